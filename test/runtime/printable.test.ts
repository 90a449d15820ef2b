import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toPrintable } from '../../runtime/printable.ts';

describe('printable text', () => {
  it.each([
    { text: 'reviewer', max: 64, becomes: 'reviewer' },
    { text: '', max: 64, becomes: '' },
    { text: 'a\r\nb', max: 64, becomes: 'ab' },
    { text: 'red \u001b[31m', max: 64, becomes: 'red [31m' },
    { text: 'left\u202Eright\u2066', max: 64, becomes: 'leftright' },
    { text: 'line\u2028line\u2029line', max: 64, becomes: 'linelineline' },
    { text: 'half \ud83d pair', max: 64, becomes: 'half  pair' },
    { text: 'Zoë 東京 😀', max: 64, becomes: 'Zoë 東京 😀' },
    { text: 'abcdef', max: 4, becomes: 'abc…' },
    { text: 'ab😀cd', max: 4, becomes: 'ab…' },
    { text: 'ab😀', max: 4, becomes: 'ab😀' },
  ])('of $text is $becomes', ({ text, max, becomes }) => {
    expect(toPrintable(text, max)).toBe(becomes);
  });

  it('is well formed, within its bound and on one line, whatever comes', () => {
    const anyText = fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200, size: 'max' })
      .map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 40 }), (text, max) => {
        const printable = toPrintable(text, max);
        expect(printable.length).toBeLessThanOrEqual(max);
        expect(() => encodeURIComponent(printable), 'half a surrogate pair').not.toThrow();
        expect(printable).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(toPrintable(printable, max)).toBe(printable);
      }),
    );
  });
});
