import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyTable } from '../../../sidecar/protocol/json-keys.ts';
import { JsonScan, MAX_DEPTH } from '../../../sidecar/protocol/json-scan.ts';
import { jsonText } from './json-text.ts';

/** Whether the whole document can be stepped over. */
function isWellFormed(bytes: Buffer, start = 0, end = bytes.length): boolean {
  const scan = new JsonScan(bytes, start, end);
  return scan.skip() && scan.atEnd();
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('stepping over a document', () => {
  it('accepts whatever JSON.parse accepts, however it is spaced', () => {
    fc.assert(
      fc.property(jsonText(), (text) => {
        expect(isWellFormed(Buffer.from(text))).toBe(true);
      }),
    );
  });

  it('refuses whatever JSON.parse refuses, but for what is inside strings', () => {
    const edit = fc.record({
      at: fc.nat(),
      removed: fc.nat(2),
      inserted: fc.constantFrom(
        '',
        '',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '1',
        '-',
        '.',
        'e',
        't',
        'null',
        ' ',
      ),
    });
    fc.assert(
      fc.property(jsonText({ plainStrings: true }), edit, (text, { at, removed, inserted }) => {
        const from = at % (text.length + 1);
        const edited = text.slice(0, from) + inserted + text.slice(from + removed);
        expect(isWellFormed(Buffer.from(edited))).toBe(parses(edited));
      }),
      { numRuns: 2_000 },
    );
  });

  it('never depends on what lies around the document', () => {
    const around = fc.stringMatching(/^[[\]{}",:0-9tfn\\ -]{0,12}$/);
    fc.assert(
      fc.property(around, jsonText(), fc.nat(), around, (before, text, cut, behind) => {
        const part = text.slice(0, text.length - (cut % (text.length + 1)));
        const bytes = Buffer.from(before + part + behind);
        const start = Buffer.byteLength(before);
        const end = start + Buffer.byteLength(part);
        expect(isWellFormed(bytes, start, end)).toBe(isWellFormed(Buffer.from(part)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('never takes a quote behind the document for the end of a string', () => {
    const bytes = Buffer.from(`{"a":"${'b'.repeat(200)}"}`);
    for (let end = 0; end < bytes.length; end += 1) expect(isWellFormed(bytes, 0, end)).toBe(false);
  });

  it.each([
    ['an empty document', ''],
    ['white space alone', ' \n'],
    ['NaN', '{"a":NaN}'],
    ['Infinity', '[-Infinity]'],
    ['a comment', '{"a":1/**/}'],
    ['single quotes', "{'a':1}"],
    ['a bare key', '{a:1}'],
    ['a trailing comma in an object', '{"a":1,}'],
    ['a trailing comma in an array', '[1,]'],
    ['a missing value', '{"a":}'],
    ['a missing colon', '{"a" 1}'],
    ['two values', '{} {}'],
    ['garbage behind', '{}x'],
    ['a string without end', '{"a":"b'],
    ['a string that ends in an escaped quote', '"a\\"'],
    ['a number with a leading zero', '[01]'],
    ['a number with a plus', '[+1]'],
    ['a number without fraction', '[1.]'],
    ['a number without exponent', '[1e]'],
    ['a minus alone', '[-]'],
    ['a hexadecimal number', '[0x1]'],
    ['an unknown word', '[nul]'],
    ['a word in upper case', '[TRUE]'],
    ['mixed brackets', '[{]}'],
    ['a bracket too many', '[]]'],
    ['a NUL byte', '[\0]'],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le').toString('latin1')],
  ])('refuses %s', (_name, text) => {
    expect(isWellFormed(Buffer.from(text, 'latin1'))).toBe(false);
  });

  it.each([
    ['a byte order mark', '\ufeff{"a":1}'],
    ['white space around everything', ' \t\r\n{ "a" : [ 1 , 2 ] } \n'],
    ['a backslash in front of the closing quote', '"a\\\\"'],
    ['numbers of every shape', '[0,-0,10,1.5,-1.5e+10,2E-3,1e400]'],
    [`${MAX_DEPTH} levels`, nested(MAX_DEPTH)],
  ])('accepts %s', (_name, text) => {
    expect(isWellFormed(Buffer.from(text))).toBe(true);
  });

  it(`refuses more than ${MAX_DEPTH} levels, and says so`, () => {
    for (const depth of [MAX_DEPTH + 1, 100_000]) {
      const scan = new JsonScan(Buffer.from(nested(depth)));
      expect(scan.skip()).toBe(false);
      expect(scan.problem).toContain(`${MAX_DEPTH} levels`);
    }
  });

  it('counts the levels that the caller entered itself', () => {
    const scan = new JsonScan(Buffer.from(nested(MAX_DEPTH + 1)));
    let levels = 0;
    while (scan.enterArray() && scan.nextItem()) levels += 1;
    expect([levels, scan.problem]).toEqual([MAX_DEPTH, expect.stringContaining('levels')]);
  });

  it.each([
    ['quotes in escapes', `"${'\\"'.repeat(1_000)}"`],
    ['backslashes', `"${'\\\\'.repeat(1_000)}"`],
    ['a backslash at each place around the native search', null],
  ])('finds the end of a string of %s', (_name, text) => {
    const texts = text === null ? Array.from({ length: 140 }, (_, n) => `"${'a'.repeat(n)}\\"b"`) : [text];
    for (const each of texts) {
      expect(isWellFormed(Buffer.from(each))).toBe(true);
      expect(isWellFormed(Buffer.from(each.slice(0, -1)))).toBe(false);
    }
  });
});

describe('reading fields', () => {
  const KEYS = new KeyTable(['text', 'count', 'flag']);

  /** Reads the fields of one object with the methods of the cursor. */
  function read(text: string): {
    readonly fields: Record<string, unknown>;
    readonly problem: string | undefined;
  } {
    const scan = new JsonScan(Buffer.from(text, 'latin1'));
    const fields: Record<string, unknown> = {};
    scan.enterObject();
    while (scan.nextKey()) {
      const name = KEYS.names[scan.keyIn(KEYS)];
      if (name === 'text') fields.text = scan.readString(32);
      else if (name === 'count') fields.count = scan.readNumber();
      else if (name === 'flag') fields.flag = scan.readBoolean();
      else scan.skip();
    }
    scan.atEnd();
    return { fields, problem: scan.problem };
  }

  it('gives the values that JSON.parse gives', () => {
    const document = fc.record(
      {
        text: fc.string({ unit: 'grapheme', maxLength: 3 }),
        count: fc.double({ noNaN: true, noDefaultInfinity: true }),
        flag: fc.boolean(),
        other: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(document, (value) => {
        const { fields, problem } = read(Buffer.from(JSON.stringify(value)).toString('latin1'));
        const { other: _other, ...expected } = JSON.parse(JSON.stringify(value));
        if (fields.text === undefined) delete expected.text;
        expect(problem).toBeUndefined();
        expect(fields).toEqual(expected);
      }),
    );
  });

  it.each([
    ['escapes', '{"text":"a\\u00e9\\n\\"\\\\\\/"}', 'aé\n"\\/'],
    ['a surrogate pair in escapes', '{"text":"\\ud83d\\ude80"}', '🚀'],
    ['half a surrogate pair', '{"text":"\\ud83d"}', '\ud83d'],
    ['an escaped key', '{"te\\u0078t":"a"}', 'a'],
    ['a bad escape', '{"text":"\\x"}', undefined],
    ['a short escape', '{"text":"\\u12"}', undefined],
    ['a raw line break', '{"text":"a\nb"}', undefined],
    ['bytes that are not UTF-8', '{"text":"a\xff"}', undefined],
    ['UTF-8 that is cut off', '{"text":"\xe2\x82"}', undefined],
    ['a string that is too long', `{"text":"${'a'.repeat(33)}"}`, undefined],
    ['a number in place of a string', '{"text":1}', undefined],
  ])('of a string with %s', (_name, text, expected) => {
    expect(read(text).fields.text).toBe(expected);
  });

  it('of a whole number is what Number gives, however long it is', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.nat(29), (number, digits) => {
        const text = BigInt(String(number).slice(0, digits + 1)).toString();
        expect(read(`{"count":${text}}`).fields.count).toBe(Number(text));
      }),
    );
  });

  it.each([
    ['a whole number', '12', 12],
    ['a negative fraction', '-1.5e3', -1_500],
    ['a number beyond doubles', '1e999', Number.POSITIVE_INFINITY],
    ['sixteen digits', '9007199254740993', 9_007_199_254_740_992],
    ['more digits than anyone needs', '1'.repeat(65), undefined],
    ['a string', '"12"', undefined],
    ['null', 'null', undefined],
  ])('of a number: %s', (_name, text, expected) => {
    expect(read(`{"count":${text}}`).fields.count).toBe(expected);
  });
});

describe('telling a visitor', () => {
  it('names every key, string and bracket once, in their order', () => {
    const text = '{"a":["b",{"c":"d"},[]],"e":1,"f":{}}';
    const seen: string[] = [];
    const scan = new JsonScan(Buffer.from(text));
    scan.walk({
      key: (start, end) => seen.push(`key ${text.slice(start, end)}`),
      string: (start, end) => seen.push(`string ${text.slice(start, end)}`),
      open: (start) => seen.push(`open ${text[start]}`),
      close: (end) => seen.push(`close ${text[end - 1]}`),
    });
    expect(seen.join(', ')).toBe(
      'open {, key a, open [, string b, open {, key c, string d, close }, open [, close ], close ], key e, key f, open {, close }, close }',
    );
  });
});
