import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelFamily } from '../../../core/estimate/model-family.ts';

describe('modelFamily', () => {
  test.each([
    ['gpt-4o', 'gpt-4o'],
    ['gpt-4o-2024-11-20', 'gpt-4o'],
    ['gpt-4o-mini', 'gpt-4o'],
    ['gpt-4o-mini-2024-07-18', 'gpt-4o'],
    ['ft:gpt-4o-mini-2024-07-18:acme::b9xQ', 'gpt-4o'],
    ['gpt-4-turbo', 'gpt-4'],
    ['gpt-4-0613', 'gpt-4'],
    ['gpt-4.1-nano', 'gpt-4.1'],
    ['gpt-3.5-turbo-0125', 'gpt-3.5'],
    ['gpt-5', 'gpt-5'],
    ['openai/gpt-5-nano', 'gpt-5'],
    ['gpt-5-codex', 'gpt-5'],
    ['o3-mini', 'o3'],
    ['text-embedding-3-small', 'text-embedding-3'],
    ['claude-3-5-sonnet-20241022', 'claude-sonnet'],
    ['claude-sonnet-4-5', 'claude-sonnet'],
    ['us.anthropic.claude-3-5-sonnet-20241022-v2:0', 'claude-sonnet'],
    ['anthropic.claude-3-haiku-20240307-v1:0', 'claude-haiku'],
    ['claude-opus-4@20250514', 'claude-opus'],
    ['claude-2.1', 'claude'],
    ['models/gemini-2.5-pro', 'gemini-2.5'],
    ['gemini-2.5-flash-preview-05-20', 'gemini-2.5'],
    ['llama-3.1-70b-instruct', 'llama-3.1'],
    ['meta.llama3-70b-instruct-v1:0', 'llama3'],
    ['llama3:8b', 'llama3'],
    ['accounts/fireworks/models/qwen3-235b-a22b', 'qwen3'],
    ['mistral-large-2411', 'mistral-large'],
    ['command-r-plus-08-2024', 'command-r-plus'],
    ['command-a-03-2025', 'command-a'],
    ['x'.repeat(50), 'x'.repeat(40)],
    ['deepseek-chat', 'deepseek'],
    ['GPT-4o', 'gpt-4o'],
    ['  gpt-4o ', 'gpt-4o'],
    ['house-model', 'house-model'],
    ['', 'unknown'],
    ['-2024', 'unknown'],
    ['/', 'unknown'],
  ])('%j is of the family %j', (model, family) => {
    expect(modelFamily(model)).toBe(family);
  });

  test('is never empty and never longer than 40 characters', () => {
    const names = fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9.:@/_-]{0,60}$/));
    fc.assert(
      fc.property(names, (model) => {
        expect(modelFamily(model)).toMatch(/^.{1,40}$/su);
      }),
    );
  });
});
