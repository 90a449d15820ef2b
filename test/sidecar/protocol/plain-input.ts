// The dumb twin of the input's features: JSON.parse, then a walk over the values.

import fc from 'fast-check';
import type { InputFeatures } from '../../../core/estimate/features.ts';

/** The features as sums that need no sampling: all text by its bytes, whatever its class. */
type PlainInput = Pick<InputFeatures, 'messages' | 'media' | 'tools'> & { readonly textBytes: number };

export function toPlainInput(features: InputFeatures): PlainInput {
  const { proseBytes, codeBytes, nonAsciiBytes, messages, media, tools } = features;
  return { textBytes: proseBytes + codeBytes + nonAsciiBytes, messages, media, tools };
}

const NOTHING = new Set([
  'role',
  'type',
  'id',
  'tool_call_id',
  'tool_use_id',
  'cache_control',
  'citations',
  'signature',
]);
const CODE = new Set(['arguments', 'input']);
const MEDIA = new Set(['image_url', 'video_url', 'audio_url', 'input_audio', 'audio', 'file']);

/** What is counted of a value that was written by JSON.stringify, whose strings need no escape for a control character. */
export function countContent(value: unknown): { textBytes: number; media: number } {
  const counted = { textBytes: 0, media: 0 };
  visit(value, counted);
  return counted;
}

/** The members of an object in any order. */
export function reorder<Value extends object>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return value.chain((object) => {
    const entries = Object.entries(object);
    // The same members make the same type.
    const all = { minLength: entries.length, maxLength: entries.length };
    return fc.shuffledSubarray(entries, all).map((shuffled) => Object.fromEntries(shuffled) as Value);
  });
}

/** The bytes of a value as JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function visit(value: unknown, counted: { textBytes: number; media: number }): void {
  if (typeof value === 'string') counted.textBytes += jsonBytes(value) - 2;
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) visit(item, counted);
    return;
  }
  for (const [key, member] of Object.entries(value)) visitMember(key, member, counted);
}

function visitMember(key: string, member: unknown, counted: { textBytes: number; media: number }): void {
  const isText = typeof member === 'string';
  const isContainer = typeof member === 'object' && member !== null;
  if (NOTHING.has(key)) return;
  if (MEDIA.has(key)) counted.media += isText || isContainer ? 1 : 0;
  else if (CODE.has(key) && isContainer) counted.textBytes += jsonBytes(member);
  else if (key === 'source' && isContainer && !Array.isArray(member)) visitSource(member, counted);
  else visit(member, counted);
}

function visitSource(source: object, counted: { textBytes: number; media: number }): void {
  const { type, data, content } = source as { type?: unknown; data?: unknown; content?: unknown };
  visit(content, counted);
  if (type !== 'text' && type !== 'content') counted.media += 1;
  else if (typeof data === 'string') visit(data, counted);
}
