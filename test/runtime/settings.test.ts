import { describe, expect, it } from 'vitest';
import { bytes, duration, oneOf, port, secret, string } from '../../runtime/setting-parsers.ts';
import { readSettings, type SettingsSource, type SettingsTable } from '../../runtime/settings.ts';
import { renderSettingsHelp, renderSettingsReference } from '../../runtime/settings-reference.ts';

const TABLE = {
  port: { flag: '--port', env: 'FLYBALL_PORT', parser: port(), default: '15580', doc: 'Port for calls.' },
  holdMax: {
    flag: '--hold-max',
    env: 'FLYBALL_HOLD_MAX',
    parser: duration(),
    default: '2s',
    doc: 'Longest hold.',
  },
  bodyMax: { env: 'FLYBALL_BODY_MAX', parser: bytes(), default: '32MiB', doc: 'Largest body | cap.' },
  logLevel: {
    flag: '--log-level',
    parser: oneOf(['debug', 'info']),
    default: 'info',
    doc: 'How much is logged.',
  },
  agent: { flag: '--agent', parser: string('NAME'), doc: 'Name of the agent.' },
  token: { env: 'FLYBALL_TOKEN', parser: secret(string()), default: 'none', doc: 'Token of the gateway.' },
} as const satisfies SettingsTable;

function given(flags: Record<string, string>, env: Record<string, string> = {}): SettingsSource {
  return { flag: new Map(Object.entries(flags)), env: new Map(Object.entries(env)) };
}

describe('reading settings', () => {
  it('takes defaults where nothing is given', () => {
    const read = readSettings(TABLE, given({}));
    expect(read.kind === 'valid' && read.settings).toMatchObject({
      port: 15_580,
      holdMax: 2_000,
      bodyMax: 33_554_432,
      logLevel: 'info',
      agent: undefined,
    });
  });

  it('prefers a flag to a variable, and a variable to the default', () => {
    const both = readSettings(TABLE, given({ '--port': '1' }, { FLYBALL_PORT: '2', FLYBALL_HOLD_MAX: '5s' }));
    expect(both.kind === 'valid' && both.settings).toMatchObject({ port: 1, holdMax: 5_000 });
  });

  it('takes an empty variable for none, but not an empty flag', () => {
    expect(readSettings(TABLE, given({}, { FLYBALL_PORT: '' })).kind).toBe('valid');
    expect(readSettings(TABLE, given({ '--port': '' })).kind).toBe('invalid');
  });

  it('reports every problem at once, by the name under which the value was given', () => {
    const read = readSettings(
      TABLE,
      given(
        { '--port': '99999', '--log-level': 'loud' },
        { FLYBALL_BODY_MAX: '1 MB', FLYBALL_HOLD_MAX: '2' },
      ),
    );
    expect(read).toEqual({
      kind: 'invalid',
      problems: [
        '--port: the value "99999" is not a port; write a whole number from 0 to 65535',
        'FLYBALL_HOLD_MAX: the value "2" is not a duration; write a number with its unit (ms, s, m, h), such as 250ms or 1h30m',
        'FLYBALL_BODY_MAX: the value "1 MB" is not a size; write a whole number with its unit (B, KiB, MiB, GiB), such as 32MiB',
        '--log-level: the value "loud" is unknown; write one of debug, info',
      ],
    });
  });

  it('shows where each value came from, and of a secret only that it is set', () => {
    const read = readSettings(TABLE, given({ '--agent': 'reviewer' }, { FLYBALL_TOKEN: 'sk-live-1' }));
    expect(read.kind === 'valid' && read.inUse).toEqual([
      { name: 'port', origin: 'default', text: '15580' },
      { name: 'holdMax', origin: 'default', text: '2s' },
      { name: 'bodyMax', origin: 'default', text: '32MiB' },
      { name: 'logLevel', origin: 'default', text: 'info' },
      { name: 'agent', origin: '--agent', text: 'reviewer' },
      { name: 'token', origin: 'FLYBALL_TOKEN', text: '[secret]' },
    ]);
    expect(JSON.stringify(read)).not.toContain('sk-live');
    expect(read.kind === 'valid' && read.settings.token.reveal()).toBe('sk-live-1');
  });

  it('never quotes a secret that is wrong', () => {
    const read = readSettings(TABLE, given({}, { FLYBALL_TOKEN: 'sk-live-1\n' }));
    expect(read.kind).toBe('invalid');
    expect(JSON.stringify(read)).not.toContain('sk-live');
  });

  it('quotes a wrong value without its control characters and not at length', () => {
    const read = readSettings(TABLE, given({ '--port': `\u001b[2J${'9'.repeat(10_000)}` }));
    expect(read.kind === 'invalid' && read.problems[0]?.length).toBeLessThan(200);
    expect(JSON.stringify(read)).not.toContain('u001b');
  });

  it('throws at a default that does not parse, because that is our own mistake', () => {
    const table = { port: { flag: '--port', parser: port(), default: 'http', doc: 'x' } } as const;
    expect(() => readSettings(table, given({}))).toThrow('the default of setting port is not a port');
  });
});

describe('what a person reads of settings', () => {
  it('is one aligned line per flag', () => {
    expect(renderSettingsHelp(TABLE)).toBe(
      [
        '  --port PORT             Port for calls. [default 15580, FLYBALL_PORT]',
        '  --hold-max DURATION     Longest hold. [default 2s, FLYBALL_HOLD_MAX]',
        '  --log-level debug|info  How much is logged. [default info]',
        '  --agent NAME            Name of the agent.',
      ].join('\n'),
    );
  });

  it('is a reference with every row, without the default of a secret', () => {
    const page = renderSettingsReference(TABLE);
    expect(page).toContain('| `port` | `--port` | `FLYBALL_PORT` | `PORT` | `15580` | Port for calls. |');
    expect(page).toContain(
      '| `bodyMax` | - | `FLYBALL_BODY_MAX` | `BYTES` | `32MiB` | Largest body \\| cap. |',
    );
    expect(page).toContain('| `token` | - | `FLYBALL_TOKEN` | `TEXT` (secret) | - | Token of the gateway. |');
    expect(page).toContain('- `DURATION`: a number with its unit (ms, s, m, h)');
    for (const row of page.split('\n').filter((line) => line.startsWith('|'))) {
      expect(row.match(/(?<!\\)\|/g)).toHaveLength(7);
    }
  });
});
