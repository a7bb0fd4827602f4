// What an aggregate declares beside its machine, read and checked: events, schemas of commands, how old events are read.

import type { AnyStateMachine } from 'xstate'
import { runtimeTypePrefix, type UpcastRule } from '../runtime/codec/upcasting.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { checkOptions, isRecord, kindOf } from '../runtime/core/options.ts'
import type { EventDefinition } from './aggregate.ts'
import type { MachineFacts } from './machine-rules.ts'
import type { EventModel, Model } from './model.ts'
import type { Schema } from './schema.ts'

/** A wrong option of an aggregate. */
export function optionError(name: string, option: string, what: string, fix: string): ReenactError {
  return new ReenactError(
    'InvalidOption',
    `'${option}' of '${name}' ${what}. To mend it: ${fix}.`,
    {
      option,
      fix,
    },
  )
}

const declarable = (type: string): boolean =>
  type !== '' &&
  !type.startsWith('$') &&
  !type.startsWith(runtimeTypePrefix) &&
  !type.startsWith('xstate.') &&
  !type.includes('*')

/** Whether it is what XState's createMachine returns. */
export const isMachine = (machine: unknown): machine is AnyStateMachine =>
  isRecord(machine) && 'root' in machine && 'implementations' in machine

/** A version. */
export function wholeFrom1(name: string, option: string, value: unknown): number {
  if (Number.isSafeInteger(value) && Number(value) >= 1) return Number(value)
  throw optionError(name, option, 'is not a whole number from 1', 'count versions 1, 2, 3')
}

/** Any Standard Schema. Some are functions. */
function readSchema(name: string, option: string, schema: unknown): Schema {
  const holds = (typeof schema === 'object' && schema !== null) || typeof schema === 'function'
  const standard = holds ? (schema as Partial<Schema>)['~standard'] : undefined
  if (typeof standard?.validate === 'function') return schema as Schema
  throw optionError(name, option, 'is no Standard Schema', 'give one of zod, valibot or arktype')
}

/** The schemas of commands. */
export function readCommands(
  name: string,
  definitions: unknown,
  { commands, hasWildcard }: MachineFacts,
): ReadonlyMap<string, Schema> {
  if (!isRecord(definitions)) {
    throw optionError(
      name,
      'commands',
      `is ${kindOf(definitions)}`,
      'name commands: { open: { schema } }',
    )
  }
  const schemas = Object.entries(definitions).flatMap(([type, definition]) => {
    const option = `commands.${type}`
    if (definition === undefined) return []
    checkOptions(definition, ['schema'], `'${option}' of '${name}'`)
    if (!commands.has(type) && !hasWildcard) {
      throw optionError(
        name,
        option,
        'is no command of the machine',
        `use ${[...commands].join(', ')}`,
      )
    }
    const schema = readSchema(name, `${option}.schema`, (definition as { schema?: unknown }).schema)
    return [[type, schema] as const]
  })
  return new Map(schemas)
}

const texts = (name: string, option: string, value: unknown): readonly string[] => {
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string')
  if (isList) return value
  throw optionError(name, option, 'is no list of names', "give a list such as ['Opened']")
}

/** The declared events. */
export function readEvents(name: string, definitions: unknown): ReadonlyMap<string, EventModel> {
  if (!isRecord(definitions) || Object.keys(definitions).length === 0) {
    const what = isRecord(definitions) ? 'is empty' : `is ${kindOf(definitions)}`
    throw optionError(
      name,
      'events',
      what,
      'name every event type the machine emits: { Opened: {} }',
    )
  }
  return new Map(
    Object.entries(definitions).map(([type, definition]) => [
      type,
      readEvent(name, type, definition as EventDefinition),
    ]),
  )
}

function readEvent(name: string, type: string, definition: EventDefinition): EventModel {
  const option = `events.${type}`
  if (!declarable(type)) {
    const fix = "do not begin with '$', 'reenact.' or 'xstate.', nor use '*'"
    throw optionError(name, option, 'has a reserved name', fix)
  }
  if (isRecord(definition) && 'erasable' in definition) {
    const fix = 'remove it: erasable fields are not supported yet'
    throw optionError(name, option, "uses 'erasable', which is reserved", fix)
  }
  checkOptions(definition, ['schema', 'version', 'upcast', 'aliases'], `'${option}' of '${name}'`)
  const { schema, upcast } = definition
  const version = wholeFrom1(name, `${option}.version`, definition.version ?? 1)
  for (let from = 1; from < version; from += 1) {
    if (typeof upcast?.[from] === 'function') continue
    const fix = `add 'upcast: { ${from}: (data) => … }'`
    throw optionError(name, `${option}.upcast`, `has no step from version ${from}`, fix)
  }
  const checked = schema === undefined ? undefined : readSchema(name, `${option}.schema`, schema)
  return { type, version, schema: checked }
}

/** How what the log holds is read, by the names found there. */
export function readUpcasters(
  name: string,
  events: Readonly<Record<string, EventDefinition>>,
  ignored: unknown,
): Model['upcasters'] {
  const rules = new Map<string, UpcastRule | null>()
  const add = (found: string, rule: UpcastRule | null) => {
    if (rules.has(found)) {
      throw optionError(
        name,
        'events',
        `names '${found}' twice`,
        'keep one of type, alias and ignored',
      )
    }
    rules.set(found, rule)
  }
  for (const [type, definition] of Object.entries(events)) {
    const rule = { type, version: definition.version ?? 1, steps: definition.upcast ?? {} }
    const aliases = texts(name, `events.${type}.aliases`, definition.aliases ?? [])
    for (const found of [type, ...aliases]) add(found, rule)
  }
  for (const found of texts(name, 'ignored', ignored)) {
    if (!declarable(found)) {
      throw optionError(name, 'ignored', `names '${found}', which is reserved`, 'leave it out')
    }
    add(found, null)
  }
  return rules
}
