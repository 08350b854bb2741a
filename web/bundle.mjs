// Bundles the live page: node bundle.mjs OUTPUT_DIRECTORY
//
// Writes app.js, style.css and third-party.txt, the licences of every package whose code
// ended up in the first two.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2]);

const result = await build({
  absWorkingDir: here,
  entryPoints: { app: 'src/main.js', style: 'src/style.css' },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['chrome123', 'firefox120', 'safari17.5'], // the first with light-dark()
  legalComments: 'none', // they are in third-party.txt, in full
  metafile: true,
  logLevel: 'warning',
});

// The directory of the package that a bundled file belongs to.
function packageOf(input) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
  return match === null ? null : path.join(here, match[1]);
}

function notice(directory) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(directory, 'package.json')));
  const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence text to pass on`);
  const text = readFileSync(path.join(directory, file), 'utf8').trim();
  return `${name} ${version} (${license})\n\n${text}\n`;
}

const packages = new Set(Object.keys(result.metafile.inputs).map(packageOf));
packages.delete(null);
const notices = [...packages].sort().map(notice);
writeFileSync(
  path.join(out, 'third-party.txt'),
  `The live page contains code of others:\n\n${notices.join('\n----\n\n')}`,
);
