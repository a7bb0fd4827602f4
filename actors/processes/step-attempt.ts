// One attempt of a step or of its undo: what came of it, and whether another one may help.

import { settled } from '../../runtime/codec/codec.ts'
import { isReenactError, ReenactError } from '../../runtime/core/errors.ts'
import type { RetryPolicy } from '../../runtime/core/retry-policy.ts'
import { retryPresets } from '../../runtime/core/retry-policy.ts'
import { streamName } from '../../runtime/core/stream-name.ts'
import { type CheckedCommand, checkCommand } from '../command.ts'
import type { Directory } from '../directory.ts'
import { Envelope } from '../envelope.ts'
import { classOf, retryDefaults } from '../failure.ts'
import { type Model, stateText } from '../model.ts'
import type { RawOutcome } from '../outcome.ts'
import { nextHop } from './hops.ts'
import type { InFlight } from './in-flight.ts'
import type { DoneStep, ProcessState, StepState } from './process-state.ts'
import { isTerminalError, type StepError, textOfError } from './step-error.ts'
import { stepId, undoKey } from './step-ids.ts'
import type { ActivityArgs, UndoArgs } from './step-logic.ts'

/** What came of an attempt. */
export type AttemptResult =
  | { readonly outcome: 'completed'; readonly output: unknown }
  | {
      readonly outcome: 'failed'
      readonly error: StepError
      /** Whether it may have had its effect all the same. */
      readonly unknown: boolean
      /** Whether the same may succeed later. */
      readonly retry: RetryPolicy
    }
  /** The runtime is closing: nothing is known, and nothing is to be recorded. */
  | { readonly outcome: 'closed' }

/** What an attempt needs. */
export interface AttemptDeps {
  readonly directory: Directory
  /** Aggregates of the runtime by name. */
  readonly models: ReadonlyMap<string, Model>
}

/** One attempt. */
export interface Attempt {
  readonly stream: string
  readonly state: ProcessState
  readonly step: StepState
  readonly flight: InFlight
  /** Told when the work of an activity ends after its time was up. */
  readonly onLate: (output: unknown) => void
}

/** Another attempt gives the same. */
export const never: RetryPolicy = { delayMs: () => null }
const activityTimeoutMs = 30_000

/** Attempts a step. Never rejects. */
export function attemptStep(deps: AttemptDeps, attempt: Attempt): Promise<AttemptResult> {
  const { stream, step } = attempt
  const { definition, key, requestedAt } = step
  const id = stepId(stream, key, requestedAt)
  if (definition.kind === 'command') {
    const given = step.input as { readonly id: string; readonly command: object }
    const { model, confirms } = definition
    const sent = { model, commandId: id, ...given }
    // A function of the user may throw: that is the attempt's failure.
    const command = () => confirms?.command(given) ?? given.command
    return sendCommand(deps, attempt, { ...sent, command })
  }
  if (definition.kind === 'compensate') return Promise.resolve({ outcome: 'closed' })
  const run = (signal: AbortSignal) => {
    const args = { input: step.input, ...aboutActivity(step, id, signal) }
    return definition.run(args as ActivityArgs<never>)
  }
  return runActivity(deps, attempt, run)
}

/** Attempts to undo a step. Never rejects. */
export async function attemptUndo(
  deps: AttemptDeps,
  attempt: Attempt,
  { output, known, late }: DoneStep,
): Promise<AttemptResult> {
  const { stream, step } = attempt
  const { definition, key, requestedAt, input } = step
  // An activity that succeeds late may have been undone before, for nothing.
  const again = late && definition.kind === 'activity'
  const id = stepId(stream, undoKey(key, again), requestedAt)
  if (definition.kind === 'command') {
    const command = definition.undo?.({ input, output })
    if (!command) return { outcome: 'completed', output: null }
    const actorId = (input as { readonly id: string }).id
    const sent = { model: definition.model, commandId: id, id: actorId, command: () => command }
    return sendCommand(deps, attempt, sent)
  }
  if (definition.kind === 'compensate') return { outcome: 'completed', output: null }
  const run = async (signal: AbortSignal) => {
    const activityKey = stepId(stream, key, requestedAt)
    const about = { activityKey, ...aboutActivity(step, id, signal) }
    const args = { input, output: known ? output : undefined, ...about }
    await definition.undo?.(args as UndoArgs<never, never>)
    return null
  }
  return runActivity(deps, attempt, run)
}

const aboutActivity = (step: StepState, idempotencyKey: string, signal: AbortSignal) => ({
  idempotencyKey,
  metadata: nextHop(step.hops),
  signal,
  attempt: step.attempts + 1,
})

interface Sent {
  readonly model: Model
  readonly id: string
  readonly command: () => object
  readonly commandId: string
}

function sendCommand(deps: AttemptDeps, attempt: Attempt, sent: Sent): Promise<AttemptResult> {
  return new Promise((resolve) => {
    const { model, id, commandId } = sent
    const failed = (error: unknown) => resolve(failureOf(attempt.step, error))
    try {
      const checked = checkedCommand(deps, attempt, sent)
      const answered = (outcome: RawOutcome) => {
        if (!outcome.accepted) return resolve(rejected(model, checked.type, outcome, attempt.step))
        const { revision, position } = outcome.state
        const output = { id, commandId, events: outcome.events, revision, position }
        resolve({ outcome: 'completed', output })
      }
      deps.directory.send(
        model,
        streamName(model.name, id),
        new Envelope(checked, answered, failed),
      )
    } catch (error) {
      failed(error)
    }
  })
}

function checkedCommand(
  { models }: AttemptDeps,
  { stream, state, step }: Attempt,
  { model, id, command, commandId }: Sent,
): CheckedCommand {
  if (models.get(model.name) !== model) throw unknownActor(model.name)
  const { timeoutMs } = step.definition.options
  const options = {
    commandId,
    correlationId: state.correlationId || stream,
    causationId: `${stream}@${step.key}`,
    metadata: nextHop(step.hops),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
  return checkCommand(model, streamName(model.name, id), command(), options, () => commandId)
}

function failureOf(step: StepState, error: unknown): AttemptResult {
  if (isReenactError(error, 'Closed')) return { outcome: 'closed' }
  const failure = classOf(error)
  const { retry = retryDefaults[failure] } = step.definition.options
  return {
    outcome: 'failed',
    error: stepError(error, step),
    unknown: failure !== 'permanent',
    retry: failure === 'permanent' ? never : failure === 'busy' ? retryDefaults.busy : retry,
  }
}

function rejected(
  model: Model,
  type: string,
  { guards, reason, details, state }: Extract<RawOutcome, { accepted: false }>,
  step: StepState,
): AttemptResult {
  const why =
    reason ?? (guards.length > 0 ? `guard ${guards.join(', ')}` : 'no transition takes it')
  return {
    outcome: 'failed',
    error: {
      kind: 'rejected',
      message: `'${type}' was refused by ${model.name} in state '${stateText(state.snapshot.value)}': ${why}`,
      guards,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details: settled(details, 'The details') }),
      attempts: step.attempts + 1,
    },
    unknown: false,
    retry: never,
  }
}

class TimeIsUp extends Error {}

async function runActivity(
  { directory }: AttemptDeps,
  { step, flight, onLate }: Attempt,
  run: (signal: AbortSignal) => unknown,
): Promise<AttemptResult> {
  const { timers } = directory.deps.ports
  const { retry = retryPresets.doubling, timeoutMs = activityTimeoutMs } = step.definition.options
  const time = new AbortController()
  let cancel = (): void => {}
  let over = false
  const timeUp = new Promise<never>((_, reject) => {
    cancel = timers.after(timeoutMs, () => {
      const error = new TimeIsUp(`no answer within ${timeoutMs} ms`)
      reject(error)
      time.abort(error)
    })
  })
  try {
    const work = (async () => run(AbortSignal.any([flight.signal(), time.signal])))()
    work.then(
      (output) => over && onLate(lateOutput(output)),
      () => {},
    )
    const output = await Promise.race([work, timeUp])
    return { outcome: 'completed', output: settled(output, `The output of step '${step.name}'`) }
  } catch (error) {
    over = true
    if (flight.aborted) return { outcome: 'closed' }
    const isFinal = isTerminalError(error) || isReenactError(error, 'InvalidPayload')
    return {
      outcome: 'failed',
      error: stepError(error, step),
      unknown: !isTerminalError(error),
      retry: isFinal ? never : retry,
    }
  } finally {
    cancel()
  }
}

/** It had its effect, whether or not what it returned can be kept. */
function lateOutput(output: unknown): unknown {
  try {
    return settled(output, 'The late output')
  } catch {
    return null
  }
}

function stepError(error: unknown, { attempts }: StepState): StepError {
  const code = isReenactError(error) ? error.code : error instanceof Error ? error.name : 'Error'
  const late = error instanceof TimeIsUp || code === 'Timeout' || code === 'UnknownOutcome'
  return {
    kind: late ? 'timeout' : 'failed',
    message: textOfError(error),
    ...(error instanceof TimeIsUp ? {} : { code }),
    attempts: attempts + 1,
  }
}

const unknownActor = (aggregate: string): ReenactError =>
  new ReenactError(
    'UnknownActor',
    `'${aggregate}' is not an actor of this runtime. Add it to 'actors' of createRuntime.`,
    { aggregate },
  )
