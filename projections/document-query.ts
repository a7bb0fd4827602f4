// Questions to a documents view, as SQL of either database.

import { ReenactError } from '../runtime/core/errors.ts'
import { type DialectName, statement } from './engine.ts'

type Scalar = string | number | boolean | null

/** Names of the fields one can ask for: those that hold texts, numbers, booleans or null. */
export type FieldOf<T> = {
  [Name in keyof T & string]-?: Exclude<T[Name], undefined> extends Scalar ? Name : never
}[keyof T & string]

/** From one value to another, both included. */
export interface Range<Value> {
  /** The least one wanted. Default: no lower bound. */
  readonly from?: Value
  /** The greatest one wanted. Default: no upper bound. */
  readonly to?: Value
}

/** Conditions by field; all must hold. A value means equal. */
export type Where<T> = {
  readonly [Name in FieldOf<T>]?: Exclude<T[Name], undefined> | Range<NonNullable<T[Name]>>
}

/** What to find. */
export interface FindOptions<T> {
  /** Which documents. Default: all. */
  readonly where?: Where<T>
  /** Field to sort by; documents of one value are sorted by key. Default: by key alone. */
  readonly orderBy?: FieldOf<T>
  /** Greatest values first. Default false. */
  readonly descending?: boolean
  /** At most so many. Default 1,000. */
  readonly limit?: number
  /** Leaves out so many at the beginning. Default 0. */
  readonly offset?: number
}

interface Query {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** The value of a field; indexes and questions must say it alike. */
export function fieldExpression(dialect: DialectName, field: string): string {
  if (!/^[\p{L}\p{N}_$-]{1,60}$/u.test(field)) {
    const fix = 'use a name of letters, digits, _, $ and -'
    throw new ReenactError('InvalidOption', `'${field}' cannot be asked for: ${fix}.`, {
      option: field,
      fix,
    })
  }
  return dialect === 'sqlite' ? `json_extract(doc, '$."${field}"')` : `(doc -> '${field}')`
}

/** SQL that finds documents. */
export function findStatement<T>(dialect: DialectName, options: FindOptions<T>): Query {
  const { where = {}, orderBy, descending = false, limit = 1_000, offset = 0 } = options
  const { sql, parameters } = conditions(dialect, where)
  const direction = descending ? ' DESC' : ''
  const order = orderBy === undefined ? '' : `${fieldExpression(dialect, orderBy)}${direction}, `
  return {
    sql: statement(
      dialect,
      `SELECT key, doc FROM documents${sql} ORDER BY ${order}key${direction} LIMIT ? OFFSET ?`,
    ),
    parameters: [...parameters, whole(limit, 'limit'), whole(offset, 'offset')],
  }
}

/** SQL that counts documents. */
export function countStatement<T>(dialect: DialectName, where: Where<T>): Query {
  const { sql, parameters } = conditions(dialect, where)
  return {
    sql: statement(dialect, `SELECT count(*) AS count FROM documents${sql}`),
    parameters,
  }
}

function conditions(dialect: DialectName, where: object): Query {
  const parts: string[] = []
  const parameters: unknown[] = []
  const [parameter, value] =
    dialect === 'sqlite'
      ? ['?', (given: unknown) => given]
      : ['?::jsonb', (given: unknown) => JSON.stringify(given)]
  for (const [field, wanted] of Object.entries(where) as [string, Scalar | Range<Scalar>][]) {
    const expression = fieldExpression(dialect, field)
    if (wanted === undefined) continue
    if (wanted === null) {
      // Absent and null are the same here.
      parts.push(
        dialect === 'sqlite' ? `${expression} IS NULL` : `coalesce(${expression}, 'null') = 'null'`,
      )
    } else if (typeof wanted === 'object') {
      for (const [bound, operator] of [
        [wanted.from, '>='],
        [wanted.to, '<='],
      ] as const) {
        if (bound === undefined) continue
        parts.push(`${expression} ${operator} ${parameter}`)
        parameters.push(value(bound))
      }
      // A field that is absent or null lies in no range; PostgreSQL would order it before all numbers.
      if (dialect === 'postgres') parts.push(`${expression} <> 'null'`)
    } else {
      parts.push(`${expression} = ${parameter}`)
      parameters.push(value(wanted))
    }
  }
  return { sql: parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`, parameters }
}

function whole(value: number, option: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  const fix = 'give a whole number from 0'
  throw new ReenactError('InvalidOption', `'${option}' is ${String(value)}: ${fix}.`, {
    option,
    fix,
  })
}
