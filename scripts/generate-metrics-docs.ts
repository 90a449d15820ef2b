// Writes docs/metrics.md from the table in sidecar/metrics.ts.

import { writeFileSync } from 'node:fs';
import { renderMetricsReference } from '../runtime/metrics-reference.ts';
import { METRICS } from '../sidecar/metrics.ts';

writeFileSync(
  new URL('../docs/metrics.md', import.meta.url),
  renderMetricsReference('Metrics of the sidecar', Object.values(METRICS)),
);
