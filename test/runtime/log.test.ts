import { describe, expect, it } from 'vitest';
import type { LineWriter } from '../../runtime/line-writer.ts';
import {
  createLog,
  describeError,
  LOG_FIELDS,
  type Log,
  type LogFields,
  type LogLevel,
} from '../../runtime/log.ts';
import { Problem } from '../../runtime/problem.ts';

function logInto(lines: string[], level: LogLevel = 'debug'): Log {
  const writer: LineWriter = {
    write: (line) => {
      lines.push(line);
      return true;
    },
    flushSync: () => {},
    close: () => Promise.resolve(),
  };
  return createLog({ process: 'sidecar', level, writer });
}

function logged(fields: LogFields): Record<string, unknown> {
  const lines: string[] = [];
  logInto(lines).info('something happened', fields);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.endsWith('}\n')).toBe(true);
  // A line of our own log is an object.
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('a log line', () => {
  it('is one JSON object with level, time, process, message and the given fields', () => {
    const { time, ...rest } = logged({ upstream: 'openai', status: 200, durationMs: 12 });
    expect(rest).toEqual({
      level: 'info',
      process: 'sidecar',
      upstream: 'openai',
      status: 200,
      durationMs: 12,
      msg: 'something happened',
    });
    expect(time).toBeTypeOf('number');
  });

  it('holds no field that is not listed, whatever a caller passes', () => {
    const smuggled = {
      prompt: 'my prompt',
      authorization: 'Bearer k',
      body: {},
      upstream: { url: 'x' },
      error: undefined,
    };
    // As code without types would do it.
    expect(Object.keys(logged(smuggled as unknown as LogFields)).sort()).toEqual([
      'level',
      'msg',
      'process',
      'time',
    ]);
  });

  it('has no field for a prompt, a body, an argument, a header, a key or a path', () => {
    expect(
      LOG_FIELDS.filter((name) => /prompt|body|arg|header|key|token|path|query|secret/i.test(name)),
    ).toEqual([]);
  });

  it('holds texts that are printable and bounded', () => {
    const line = logged({ agent: `a\u001b[31m\n${'x'.repeat(1_000)}` });
    expect(line.agent).toHaveLength(256);
    expect(line.agent).toMatch(/^a\[31mx+…$/);
  });

  it.each<{ level: LogLevel; count: number }>([
    { level: 'debug', count: 4 },
    { level: 'info', count: 3 },
    { level: 'warn', count: 2 },
    { level: 'error', count: 1 },
  ])('appears at level $level only if it is as grave', ({ level, count }) => {
    const lines: string[] = [];
    const log = logInto(lines, level);
    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each]('something happened');
    expect(lines).toHaveLength(count);
  });
});

describe('an error in the log', () => {
  it('shows the message of a Problem, and of its causes what may be shown', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    });
    expect(describeError(new Problem('UNAVAILABLE', 'the upstream does not answer', cause))).toMatchObject({
      name: 'Problem',
      code: 'UNAVAILABLE',
      message: 'the upstream does not answer',
      cause: { name: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:1' },
    });
  });

  it('shows where a foreign error was made but not its message, which may quote a prompt', () => {
    let caught: unknown;
    try {
      JSON.parse('my secret prompt');
    } catch (error) {
      caught = error;
    }
    const described = describeError(caught);
    expect(described.name).toBe('SyntaxError');
    expect(described.frames).toContain('log.test.ts');
    expect(JSON.stringify(described)).not.toContain('secret');
  });

  it('is not fooled by a message that looks like a stack', () => {
    const error = new Error('x\n    at secret (file.ts:1:1)');
    expect(JSON.stringify(describeError(error))).not.toContain('secret');
    error.message = 'changed';
    error.stack = `Error: x\n    at my secret prompt\n${error.stack ?? ''}`;
    expect(JSON.stringify(describeError(error))).not.toContain('my secret');
  });

  it.each([
    'my prompt',
    7,
    undefined,
    null,
    { prompt: 'my prompt' },
  ])('that is no Error shows its type only', (thrown) => {
    expect(describeError(thrown)).toEqual({ name: typeof thrown });
  });

  it('ends, even if it is its own cause', () => {
    const error = new Error('x');
    error.cause = error;
    expect(JSON.stringify(describeError(error)).split('"name"')).toHaveLength(6);
  });
});
