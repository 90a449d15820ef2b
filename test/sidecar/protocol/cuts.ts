// The ways in which a network may cut bytes.

import fc from 'fast-check';

/** The bytes in pieces that end at the given offsets. */
export function cutAt(bytes: Buffer, offsets: readonly number[]): readonly Buffer[] {
  const ends = [...offsets, bytes.length];
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

/** The bytes in pieces of this many; the last one may be shorter. */
export function inPieces(bytes: Buffer, pieceBytes: number): readonly Buffer[] {
  return cutAt(
    bytes,
    Array.from({ length: Math.ceil(bytes.length / pieceBytes) - 1 }, (_, index) => (index + 1) * pieceBytes),
  );
}

/** The bytes one by one. */
export function bytewise(bytes: Buffer): readonly Buffer[] {
  return inPieces(bytes, 1);
}

/** In one piece and one by one: what is read alike in both was read whatever the cuts. */
export function coarseAndFine(bytes: Buffer): readonly (readonly Buffer[])[] {
  return [[bytes], bytewise(bytes)];
}

/** In one piece, one by one, and in two pieces at every place. */
export function everyCut(bytes: Buffer): readonly (readonly Buffer[])[] {
  const places = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
  return [...coarseAndFine(bytes), ...places.map((at) => cutAt(bytes, [at]))];
}

/** Any way to cut `bytes`, empty chunks included. */
export function cutsOf(bytes: Buffer): fc.Arbitrary<readonly Buffer[]> {
  return fc.array(fc.nat(bytes.length), { maxLength: 8 }).map((offsets) =>
    cutAt(
      bytes,
      offsets.toSorted((a, b) => a - b),
    ),
  );
}
