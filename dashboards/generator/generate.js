// Writes both dashboards into a folder (default: the one above), as classic JSON.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { backlog } from './backlog.js';
import { overview } from './overview.js';

const folder = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const files = { 'loop-overview.json': overview(), 'backlog.json': backlog() };
for (const [name, dashboard] of Object.entries(files)) {
  writeFileSync(join(folder, name), `${JSON.stringify(dashboard, null, 2)}\n`);
}
