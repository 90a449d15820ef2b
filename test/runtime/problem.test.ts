import { describe, expect, it } from 'vitest';
import { PROBLEMS, Problem, toProblem } from '../../runtime/problem.ts';

describe('the table of problems', () => {
  it('gives every code its own gRPC code and its own HTTP status', () => {
    const rows = Object.values(PROBLEMS);
    expect(new Set(rows.map((row) => row.grpcCode)).size).toBe(rows.length);
    expect(new Set(rows.map((row) => row.httpStatus)).size).toBe(rows.length);
  });

  it('speaks of failures only: no success code on either side', () => {
    for (const row of Object.values(PROBLEMS)) {
      expect(row.httpStatus).toBeGreaterThanOrEqual(400);
      expect(row.grpcCode).toBeGreaterThan(0);
      expect(row.grpcCode).toBeLessThanOrEqual(16);
    }
  });

  it('calls a mistake of the caller never retryable', () => {
    expect(PROBLEMS.INVALID.retryable).toBe(false);
    expect(PROBLEMS.FORBIDDEN.retryable).toBe(false);
    expect(PROBLEMS.UNAVAILABLE.retryable).toBe(true);
  });
});

describe('a problem', () => {
  const cause = new Error('key sk-secret was refused');

  it('keeps its cause for logs and out of everything it shows', () => {
    const problem = new Problem('UNAVAILABLE', 'the registry does not answer', cause);
    expect(problem.cause).toBe(cause);
    expect(JSON.stringify(problem)).toBe('{"code":"UNAVAILABLE","message":"the registry does not answer"}');
    expect(String(problem)).toBe('Problem: the registry does not answer');
    expect(problem.meaning).toEqual({ grpcCode: 14, httpStatus: 503, retryable: true });
  });

  it('stays itself when it is caught', () => {
    const problem = new Problem('NOT_FOUND', 'no such policy');
    expect(toProblem(problem)).toBe(problem);
  });

  it.each([
    cause,
    'a string',
    undefined,
    null,
    { message: 'sk-secret' },
  ])('hides what else was thrown', (thrown) => {
    const problem = toProblem(thrown);
    expect(problem.code).toBe('INTERNAL');
    expect(JSON.stringify(problem)).not.toContain('secret');
    if (thrown !== undefined) expect(problem.cause).toBe(thrown);
  });
});
