// What is wrong with what somebody asks of processes.

import { ReenactError } from '../../runtime/core/errors.ts'

export const wrong = (option: string, what: string, fix: string): ReenactError =>
  new ReenactError('InvalidOption', `'${option}' ${what}: ${fix}.`, { option, fix })

export const unknownActor = (aggregate: string, process: string): ReenactError =>
  new ReenactError(
    'UnknownActor',
    `'${process}' uses '${aggregate}', which is not an actor of this runtime. Add it to 'actors' of createRuntime.`,
    { aggregate },
  )

export const unknownProcess = (name: string): ReenactError =>
  new ReenactError(
    'UnknownProcess',
    `'${name}' is neither a process nor a reaction of this runtime. Add it to 'processes' or 'reactions' of createRuntime.`,
    { process: name },
  )

export const notFound = (name: string, id: string, why: string): ReenactError =>
  new ReenactError(
    'ProcessNotFound',
    `This cannot be done to process '${id}' of ${name}: ${why}. List them to see which there are.`,
    { process: name, id },
  )

export const tooSlow = (stream: string, timeoutMs: number): ReenactError =>
  new ReenactError(
    'Timeout',
    `${stream} has not ended within ${timeoutMs} ms. It goes on; wait again.`,
    {
      actor: stream,
      timeoutMs,
    },
  )

export const closed = (): ReenactError =>
  new ReenactError('Closed', 'The runtime is closed. Ask an open one.', { what: 'runtime' })

/** What its history needs is not in this code: it stands still, and what comes is held for code that has it. */
export const unreplayable: ReadonlySet<string> = new Set([
  'NonDeterministic',
  'NewerSchema',
  'UnknownEvent',
  'InvalidOption',
])

/** Errors after which a process stands still until somebody mends something. */
export const faults: ReadonlySet<string> = new Set([
  ...unreplayable,
  'StreamDeleted',
  'RevisionGap',
  'CorruptEvent',
  'AheadOfLog',
])
