// What people can do to a process. Each act says who and why, and is an event of its stream.

import { settled } from '../../runtime/codec/codec.ts'
import type { Again } from '../dead-letters.ts'
import type { Act } from '../parked-commands.ts'
import type { ProcessDirectory } from './process-directory.ts'
import type { Entry } from './process-entry.ts'
import { notFound, wrong } from './process-errors.ts'
import type { AnyProcessManager } from './process-manager.ts'
import { isEarly, isEnded, liveStep, owesUndoing, type ProcessState } from './process-state.ts'
import { told } from './trigger.ts'

type Make = (state: ProcessState) => Entry | undefined

const neverStarted = 'it was never started: it begins when an event that starts it comes'

/** The part of `runtime.processes` that changes processes. */
export class ProcessActs {
  readonly #all: ProcessDirectory

  /** @internal */
  constructor(all: ProcessDirectory) {
    this.#all = all
  }

  /**
   * Holds a process: what comes is kept, no step begins, no timer fires. Paused already, it stays so.
   *
   * @throws `InvalidOption` when `by` or `reason` is missing; `ProcessNotFound` when there is none, it has ended, or was never started
   * @example
   * ```ts
   * await runtime.processes.pause(OrderProcess, '4711', { by: 'ann', reason: 'the bank is checking' })
   * ```
   */
  async pause(process: AnyProcessManager, id: string, act: Act): Promise<void> {
    await this.#act(process, id, act, ({ status }) =>
      status === 'running' || status === 'cancelling'
        ? { type: 'reenact.ProcessPaused', ...plainAct(act) }
        : undefined,
    )
  }

  /**
   * Lets a paused or parked process go on, with all that came meanwhile. The step it was parked for begins anew.
   *
   * @throws `InvalidOption` when `by` or `reason` is missing; `ProcessNotFound` when there is none, it has ended, or was never started;
   * `ActorFaulted` when its machine fails still
   * @example
   * ```ts
   * await runtime.processes.resume(OrderProcess, '4711', { by: 'ann', reason: 'the machine is mended' })
   * ```
   */
  async resume(process: AnyProcessManager, id: string, act: Act): Promise<void> {
    await this.#act(process, id, act, ({ status }) =>
      status === 'paused' || status === 'parked'
        ? { type: 'reenact.ProcessResumed', ...plainAct(act) }
        : undefined,
    )
  }

  /**
   * Tries a step, or an undo that does not get on, again now and with all its attempts. `step` is one of
   * `ProcessInfo.steps`; default: the one that is parked, stuck, or waits.
   *
   * @throws `InvalidOption` when `by` or `reason` is missing; `ProcessNotFound` when there is none, it has ended with nothing left to undo,
   * or has no such step
   * @example
   * ```ts
   * await runtime.processes.retry(OrderProcess, '4711', { by: 'ann', reason: 'the bank is back' })
   * ```
   */
  async retry(
    process: AnyProcessManager,
    id: string,
    act: Act & { readonly step?: string },
  ): Promise<void> {
    await this.#act(
      process,
      id,
      act,
      (state) => {
        const step = stepOf(process, state, act.step)
        return { type: 'reenact.StepRetried', step, ...plainAct(act) }
      },
      owesNothing,
    )
  }

  /**
   * Goes on as if a step had succeeded with this output, or an undo had been done. Default: the one that is parked, stuck,
   * or waits. A paused or parked process goes on.
   *
   * @throws `InvalidOption` when `by` or `reason` is missing; `InvalidPayload` for an output no log can hold; `ProcessNotFound` when
   * there is none, it has ended with nothing left to undo, or has no such step
   * @example
   * ```ts
   * await runtime.processes.skip(OrderProcess, '4711', { by: 'ann', reason: 'paid in cash', output: { paid: 5 } })
   * ```
   */
  async skip(
    process: AnyProcessManager,
    id: string,
    act: Act & { readonly step?: string; readonly output?: unknown },
  ): Promise<void> {
    const output = settled(act.output, 'The output')
    await this.#act(
      process,
      id,
      act,
      (state) => {
        const step = stepOf(process, state, act.step)
        return { type: 'reenact.StepSkipped', step, output, ...plainAct(act) }
      },
      owesNothing,
    )
  }

  /**
   * Ends a process and undoes what it did, the last first; it is `cancelled` when that is done. One that is parked `early` did
   * nothing: it ends, and an event that would have started it is passed over then.
   *
   * With a `step`, one of `ProcessInfo.steps`, it ends that step alone: the machine takes its `onError` with an error of the kind
   * `cancelled`, or the process is parked. What an attempt under way comes to counts as unknown. A paused process goes on.
   *
   * @throws `InvalidOption` when `by` or `reason` is missing; `ProcessNotFound` when there is none, it has ended, or has no such step
   * @example
   * ```ts
   * await runtime.processes.cancel(OrderProcess, '4711', { by: 'ann', reason: 'ordered twice' })
   * ```
   */
  async cancel(
    process: AnyProcessManager,
    id: string,
    act: Act & { readonly step?: string },
  ): Promise<void> {
    await this.#tell(process, id, act, (state) => {
      if (act.step !== undefined) {
        const step = liveStep(state, act.step)
        if (step && step.definition.kind !== 'compensate')
          return { type: 'reenact.StepCancelled', step: step.key, ...plainAct(act) }
        throw notFound(process.name, id, `no step '${act.step}' is under way`)
      }
      return state.status === 'cancelling'
        ? undefined
        : { type: 'reenact.ProcessCancelled', ...plainAct(act) }
    })
  }

  /** @internal Tells a dead letter's event to its process once more. */
  triggerAgain(process: AnyProcessManager): Again {
    return async ({ id: letter, metadata }) => {
      const model = this.#all.modelOf(process)
      const { id, rule, entry } = await this.#all.triggerAt(model, letter, metadata)
      if (await this.#all.wasTold(model, id, entry)) return -1
      await this.#all.tell(model, id, (state, revision) => {
        // Later ones were taken meanwhile: it has no place among them.
        const position = (entry.position ?? 0) > state.lastTrigger ? entry.position : null
        return told(model, { rule, entry: { ...entry, position } }, { state, revision })
      })
      return -1
    }
  }

  /** What makes no sense before a process has begun. */
  #act(
    process: AnyProcessManager,
    id: string,
    act: Act,
    make: Make,
    isOver = isEnded,
  ): Promise<void> {
    const begun: Make = (state) => {
      if (isEarly(state)) throw notFound(process.name, id, neverStarted)
      return make(state)
    }
    return this.#tell(process, id, act, begun, isOver)
  }

  async #tell(
    process: AnyProcessManager,
    id: string,
    act: Act,
    make: Make,
    isOver = isEnded,
  ): Promise<void> {
    const { by, reason } = act
    if (typeof by !== 'string' || by === '' || typeof reason !== 'string' || reason === '') {
      throw wrong(
        by ? 'reason' : 'by',
        'is missing',
        "say who does this and why: { by: 'ann', reason: 'bank is back' }",
      )
    }
    const model = this.#all.modelOf(process)
    await this.#all.tell(model, id, (state, revision) => {
      if (revision === -1) throw notFound(model.name, id, 'there is none')
      if (isOver(state)) throw notFound(model.name, id, `it is ${state.status}`)
      return make(state)
    })
  }
}

function stepOf(
  { name }: AnyProcessManager,
  state: ProcessState,
  wanted: string | undefined,
): string {
  const { parked, steps, undoable, unresolved } = state
  const undo = state.stuck ? (unresolved.at(-1)?.key ?? undoable.at(-1)?.step.key) : undefined
  const waiting = [...steps.values()].filter(({ definition }) => definition.kind !== 'compensate')
  const found =
    wanted ?? parked?.step ?? undo ?? (waiting.length === 1 ? waiting[0]?.key : undefined)
  const isThere =
    found !== undefined &&
    (liveStep(state, found) !== undefined ||
      undoable.some(({ step }) => step.key === found) ||
      unresolved.some(({ key }) => key === found))
  if (isThere) return found
  throw notFound(name, state.id, wanted ? `it has no step '${wanted}'` : "say which 'step'")
}

/** It has ended, and nothing it did has to be undone any more. */
const owesNothing = (state: ProcessState): boolean => isEnded(state) && !owesUndoing(state)

const plainAct = ({ by, reason }: Act): Act => ({ by, reason })
