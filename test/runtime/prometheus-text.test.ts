import { describe, expect, it } from 'vitest';
import { parsePrometheusText } from './prometheus-text.ts';

const HISTOGRAM = `# HELP wait_seconds Wait
# TYPE wait_seconds histogram
wait_seconds_count{a="b"} 3
wait_seconds_sum{a="b"} 1.5
wait_seconds_bucket{a="b",le="0.1"} 1
wait_seconds_bucket{a="b",le="1"} 2
wait_seconds_bucket{a="b",le="+Inf"} 3
`;

describe('the strict reader of the tests', () => {
  it('reads names, help, labels with escapes, and values', () => {
    const text = '# HELP x_total One\\nline\n# TYPE x_total counter\nx_total{a="q\\"\\\\\\n",b=""} 1e3\n';
    expect(parsePrometheusText(text).get('x_total')).toEqual({
      name: 'x_total',
      type: 'counter',
      help: 'One\nline',
      samples: [{ name: 'x_total', labels: { a: 'q"\\\n', b: '' }, value: 1_000 }],
    });
    expect(parsePrometheusText(HISTOGRAM).get('wait_seconds')?.samples).toHaveLength(5);
  });

  it.each([
    ['no line break at the end', '# HELP x X\n# TYPE x gauge\nx 1'],
    ['a sample without a family', 'x 1\n'],
    ['a sample before the type', '# HELP x X\nx 1\n'],
    ['no type', '# HELP x X\n'],
    ['an unknown type', '# HELP x X\n# TYPE x summary\n'],
    ['a family twice', '# HELP x X\n# TYPE x gauge\n# HELP x X\n# TYPE x gauge\n'],
    ['a foreign sample', '# HELP x X\n# TYPE x gauge\ny 1\n'],
    ['a bad name', '# HELP 9x X\n# TYPE 9x gauge\n9x 1\n'],
    ['a bad label name', '# HELP x X\n# TYPE x gauge\nx{a-b="c"} 1\n'],
    ['an unescaped quote', '# HELP x X\n# TYPE x gauge\nx{a="b"c"} 1\n'],
    ['an unknown escape', '# HELP x X\n# TYPE x gauge\nx{a="\\t"} 1\n'],
    ['a label twice', '# HELP x X\n# TYPE x gauge\nx{a="1",a="2"} 1\n'],
    ['a series twice', '# HELP x X\n# TYPE x gauge\nx{a="1",b="2"} 1\nx{b="2",a="1"} 1\n'],
    ['no value', '# HELP x X\n# TYPE x gauge\nx{a="1"}\n'],
    ['a word as value', '# HELP x X\n# TYPE x gauge\nx undefined\n'],
    ['a counter without its suffix', '# HELP x X\n# TYPE x counter\nx 1\n'],
    ['a counter below zero', '# HELP x_total X\n# TYPE x_total counter\nx_total -1\n'],
    ['buckets that fall', HISTOGRAM.replace('le="1"} 2', 'le="1"} 0')],
    ['bounds that fall', HISTOGRAM.replace('le="1"', 'le="0.01"')],
    ['no bucket for everything', HISTOGRAM.replace(/.*\+Inf.*\n/, '')],
    ['a count that is not the last bucket', HISTOGRAM.replace('_count{a="b"} 3', '_count{a="b"} 4')],
    ['no sum', HISTOGRAM.replace(/.*_sum.*\n/, '')],
  ])('refuses %s', (_, text) => {
    expect(() => parsePrometheusText(text)).toThrow();
  });
});
