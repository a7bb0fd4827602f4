// What changed between two states, value by value.

/** One value that differs. `before` is absent where it was added, `after` where it was removed. */
export interface Change {
  /** Where: `value`, `context.balance`, `context.items[2].price`. */
  readonly path: string
  /** The value in the first state. */
  readonly before?: unknown
  /** The value in the second state. */
  readonly after?: unknown
}

/** Lists the differences of two plain values, in the order of their keys. */
export function difference(before: unknown, after: unknown, path = ''): readonly Change[] {
  if (Object.is(before, after)) return []
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    return sameLeaf(before, after)
      ? []
      : [{ path, ...present('before', before), ...present('after', after) }]
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap((key) => {
    const inner = (value: object): unknown => (value as Record<string, unknown>)[key]
    return difference(inner(before), inner(after), step(path, key, Array.isArray(before)))
  })
}

const step = (path: string, key: string, isArray: boolean): string => {
  if (isArray) return `${path}[${key}]`
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path ? `${path}.${key}` : key
}

const present = (key: string, value: unknown): object =>
  value === undefined ? {} : { [key]: value }

/** Arrays and plain objects are walked; anything else is one value. */
const isTree = (value: unknown): value is object => {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

const sameLeaf = (before: unknown, after: unknown): boolean =>
  before instanceof Date && after instanceof Date && before.getTime() === after.getTime()
