// Light, dark, or what the system prefers; and the colours a canvas needs.

const STORED = 'loopscope-theme';
const THEMES = ['system', 'light', 'dark'];

function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage may be off
  }
}

function store(theme) {
  try {
    localStorage.setItem(STORED, theme);
  } catch {
    // then it holds for this visit
  }
}

// `select` offers THEMES; onChange() whenever colours are to be read again.
export function startTheme(select, onChange) {
  const apply = (theme) => {
    document.documentElement.dataset.theme = theme;
    onChange();
  };
  const before = stored();
  select.value = THEMES.includes(before) ? before : 'system';
  select.addEventListener('change', () => {
    store(select.value);
    apply(select.value);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
  apply(select.value);
}

// The value a colour of style.css has now. A custom property reads back as written,
// light-dark() and all; the colour of an element is resolved.
export function colour(name) {
  const probe = document.getElementById('colour-probe');
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
