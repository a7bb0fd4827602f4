// The order of names in every store: by their UTF-8 bytes, as SQLite compares, not by UTF-16 units.

/** Compares two texts by their bytes. For `sort`. */
export const compareBytes = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right))
