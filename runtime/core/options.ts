// Options as users give them: what is misspelt or of another kind is told, not passed over.

import { ReenactError } from './errors.ts'

/** A wrong option. `what` goes on after its name. */
export const wrongOption = (option: string, what: string, fix: string): ReenactError =>
  new ReenactError('InvalidOption', `Option '${option}' ${what}. To mend it: ${fix}.`, {
    option,
    fix,
  })

/**
 * Refuses what is no object, and keys that mean nothing: a misspelt option would be silently without effect.
 *
 * @param of - what the options belong to: "createRuntime"
 */
export function checkOptions(given: unknown, known: readonly string[], of: string): void {
  if (!isRecord(given)) {
    throw new ReenactError(
      'InvalidOption',
      `The options of ${of} are ${kindOf(given)}. Give an object with ${known.join(', ')}.`,
      { option: of, fix: `give an object with ${known.join(', ')}` },
    )
  }
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue
    throw wrongOption(key, `is none of ${of}`, `use ${known.join(', ')}`)
  }
}

/** An object that is no list. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value's kind for messages: "a number", "nothing". */
export const kindOf = (value: unknown): string => {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`
}
