import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, duration, loopName, percent, place, plural, shown } from '../../../web/src/format.js';

test('durations have the unit that fits', () => {
  const cases = [
    [0, '0'], [4.8e-5, '48 µs'], [0.0047, '4.7 ms'], [0.35, '350 ms'], [0.9994, '999 ms'],
    [0.9996, '1.00 s'], [9.99, '9.99 s'], [9.996, '10.0 s'], [119.9, '119.9 s'],
    [125, '2 min 5 s'], [7199, '119 min 59 s'], [7260, '2 h 1 min'],
    [NaN, '–'], [null, '–'], [undefined, '–'],
  ];
  for (const [seconds, text] of cases) assert.equal(duration(seconds), text, String(seconds));
});

test('a small share is not none', () => {
  const cases = [[0, '0 %'], [0.0004, '< 0.1 %'], [0.027, '2.7 %'], [0.5, '50 %'], [1, '100 %'],
    [NaN, '–']];
  for (const [share, text] of cases) assert.equal(percent(share), text, String(share));
});

test('plural', () => {
  assert.equal(plural(1, 'process', 'processes'), '1 process');
  assert.equal(plural(0, 'loop'), '0 loops');
});

test('markup stays what it is: text', () => {
  assert.equal(shown('<img src=x onerror=alert(1)>'), '<img src=x onerror=alert(1)>');
});

test('what cannot be seen or reorders text is shown', () => {
  assert.equal(shown('a\u0000b\nc\u001b[31m\u007f'), 'a␀b␊c␛[31m␡');
  assert.equal(shown('x\u0085\u202etxt.exe\u2066\u200d\ufeff\u2028'),
    'x\\u{85}\\u{202e}txt.exe\\u{2066}\\u{200d}\\u{feff}\\u{2028}');
  assert.equal(shown('\ud800half'), '\ufffdhalf');
  assert.equal(shown('größe 名前 🙂'), 'größe 名前 🙂');
});

test('a long text keeps its begin and its end', () => {
  const path = `/begin/${'x'.repeat(2 << 20)}/end.js`;
  const text = shown(path, 40);
  assert.equal(text.length, 40);
  assert.ok(text.startsWith('/begin/'));
  assert.ok(text.endsWith('/end.js'));
  assert.equal(shown('x'.repeat(40), 40), 'x'.repeat(40));
});

test('a cut through a pair of surrogates leaves no half character', () => {
  const text = shown('🙂'.repeat(100), 20);
  assert.doesNotMatch(text, /[\ud800-\udfff](?![\udc00-\udfff])(?<![\ud800-\udbff][\udc00-\udfff])/);
  assert.ok(text.includes('…'));
});

test('what is missing is left out', () => {
  assert.equal(shown(null), '');
  assert.equal(place('/srv/app.js', 10), '/srv/app.js:10');
  assert.equal(place('/srv/app.js', null), '/srv/app.js');
  assert.equal(place(null, null), '');
  assert.equal(place('/srv/app.ts', null, 80, 3), '/srv/app.ts (generated line 3)');
  assert.equal(place('/srv/app.ts', 10, 80, null), '/srv/app.ts:10');
  assert.equal(clock(NaN), '–');
  assert.equal(loopName({ process: 'a\u0007', slot: 1, pid: 7, loop: 'main' }), 'a␇ 1 (pid 7) main');
});
