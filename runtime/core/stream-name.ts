// Stream names: `category-id`. The first dash separates, so a category has none and an id may.

import { ReenactError } from './errors.ts'

/** Longest stream name, in bytes of UTF-8. */
export const streamNameBytesMax = 255

const categoryPattern = /^[A-Za-z][A-Za-z0-9_]*$/
const unsafe = /[^A-Za-z0-9_.~-]/u
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

/** Refuses a name that cannot be a category: a letter, then letters, digits and underscores. */
export function checkCategory(name: string): void {
  const isName = typeof name === 'string' && categoryPattern.test(name)
  if (isName && name.toLowerCase() !== 'reenact') return
  throw new ReenactError(
    'InvalidName',
    `'${String(name)}' cannot be a name. Use a letter, then letters, digits or underscores; 'reenact' is reserved.`,
    { name: String(name), fix: 'rename it to match [A-Za-z][A-Za-z0-9_]*' },
  )
}

/**
 * The stream of an actor. The id is normalised to NFC and everything outside `A-Z a-z 0-9 _ . ~ -` is
 * percent-encoded, so distinct ids never share a stream and no id reaches a system stream.
 */
export function streamName(category: string, id: string): string {
  if (typeof id !== 'string')
    throw badId(category, id, 'it is no string', 'Give a string: String(id)')
  if (id === '') throw badId(category, id, 'it is empty', 'Give a non-empty string')
  const plain = !unsafe.test(id)
  if (!plain && !isWellFormed(id)) {
    throw badId(category, id, 'it has a lone surrogate', 'Give well-formed text')
  }
  if (id.startsWith('$')) {
    throw badId(category, id, 'a leading $ is reserved', 'Start with another character')
  }
  const name = `${category}-${plain ? id : encodeId(id)}`
  // What is encoded is ASCII: its length is its size.
  if (name.length > streamNameBytesMax) {
    const reason = `its stream name is over ${streamNameBytesMax} bytes`
    throw badId(category, id, reason, 'Use a shorter id')
  }
  return name
}

const badId = (category: string, id: unknown, reason: string, fix: string): ReenactError =>
  new ReenactError(
    'InvalidName',
    `'${String(id)}' cannot be an id of '${category}': ${reason}. ${fix}.`,
    { name: String(id), fix },
  )

const encodeId = (id: string): string =>
  encodeURIComponent(id.normalize('NFC')).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** The category of a stream: what stands before the first dash, or all of it. */
export const categoryOf = (stream: string): string => {
  const dash = stream.indexOf('-')
  return dash === -1 ? stream : stream.slice(0, dash)
}

/** The actor id a stream name stands for: the inverse of {@link streamName}. Foreign names are taken as they are. */
export const idOf = (stream: string): string => {
  const encoded = stream.slice(stream.indexOf('-') + 1)
  if (!encoded.includes('%')) return encoded
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}
