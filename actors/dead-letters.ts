// Dead letters: commands that were given up, and what people do about them.

import { readMetadata } from '../runtime/codec/metadata.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import type { ActorDeps } from './actor-deps.ts'
import { appendAny } from './append-any.ts'
import {
  type ActorStreams,
  commandCategory,
  parkedCategory,
  streamsOf,
  streamsOfRelated,
} from './command-stream.ts'
import { type DeadLetterPreview, preview } from './dead-letter-preview.ts'
import type { Model } from './model.ts'
import {
  type Act,
  appendParked,
  type ParkedCommand,
  type ParkedEntry,
  parkedEntries,
} from './parked-commands.ts'
import { identify } from './recorded.ts'

/** A command that was given up. */
export interface DeadLetter extends ParkedCommand {
  /** Names it: `account:command-ann@5`, its place on the command stream; of a reaction or process the place of its event in the log. */
  readonly id: string
  /** Kind of actor, or name of the reaction or process. */
  readonly kind: string
  /** Id of the actor the command is for; of a reaction or process the one its event is of. */
  readonly actorId: string
  /** ms since the epoch. */
  readonly parkedAt: number
  /** `open` until somebody retries or skips it. */
  readonly status: 'open' | 'retried' | 'skipped'
  /** Who did that, why and when. */
  readonly act?: Act & { readonly at: number }
}

/** Which dead letters are wanted. */
export interface DeadLetterFilter {
  /** Of this kind of actor. */
  readonly kind?: string
  /** Of this actor. */
  readonly actorId?: string
  /** Default `open`. */
  readonly status?: DeadLetter['status'] | 'all'
}

/** Tries a dead letter again and answers the revision of what was posted. Throws why that cannot be. */
export type Again = (letter: DeadLetter) => Promise<number>

/** Dead letters of a runtime, as `runtime.deadLetters`. */
export class DeadLetters {
  readonly #deps: ActorDeps
  readonly #models: ReadonlyMap<string, Model>
  /** By whose name they are. */
  readonly #kinds = new Map<string, Again>()

  /** @internal */
  constructor(deps: ActorDeps, models: ReadonlyMap<string, Model>) {
    this.#deps = deps
    this.#models = models
    for (const kind of models.keys()) this.#kinds.set(kind, (letter) => this.#postAgain(letter))
  }

  /** @internal Those of somebody who is no kind of actor. */
  add(name: string, again: Again): void {
    this.#kinds.set(name, again)
  }

  /**
   * Dead letters by actor, oldest first.
   *
   * @example
   * ```ts
   * for await (const { id, error, attempts } of runtime.deadLetters.list()) console.log(id, error.message, attempts)
   * ```
   */
  async *list({
    kind,
    actorId,
    status = 'open',
  }: DeadLetterFilter = {}): AsyncGenerator<DeadLetter> {
    for (const name of this.#kinds.keys()) {
      if (kind !== undefined && kind !== name) continue
      for await (const stream of this.#parkedStreams(name)) {
        const streams = streamsOfRelated(name, stream)
        if (actorId !== undefined && actorId !== streams.id) continue
        for (const letter of await this.#lettersOf(name, streams)) {
          if (status === 'all' || letter.status === status) yield letter
        }
      }
    }
  }

  /**
   * One dead letter, whatever its status.
   *
   * @throws `DeadLetterNotFound`
   * @example
   * ```ts
   * const { command, error } = await runtime.deadLetters.show('account:command-ann@5')
   * console.log(command, error.code, error.stack)
   * ```
   */
  async show(id: string): Promise<DeadLetter> {
    return (await this.#find(id)).letter
  }

  /**
   * Posts the command again under the same command id, behind what waits for that actor now. For a dead letter of a reaction
   * its `send` is asked again; the event of a process is told to it again.
   *
   * @throws `DeadLetterNotFound` when there is no open one of this id; of a reaction or process, what its function throws still
   * @throws `InvalidOption` when `by` or `reason` is missing
   * @example
   * ```ts
   * for await (const { id } of runtime.deadLetters.list({ kind: 'account' })) {
   *   await runtime.deadLetters.retry(id, { by: 'ann', reason: 'the disk has room again' })
   * }
   * ```
   */
  async retry(id: string, act: Act): Promise<void> {
    const { letter, streams, again } = await this.#findOpen(id, act)
    const { commandRevision, commandId } = letter
    // First the command: should this stop in between, the letter stays open, and a second one is a duplicate.
    const revision = await again(letter)
    await appendParked(this.#deps, streams.parked, {
      type: 'reenact.CommandRetried',
      commandRevision,
      commandId,
      postedRevision: revision,
      ...act,
    })
  }

  /**
   * What retrying it would come to now. Nothing is written. The machine decides in this process, so look at the letter
   * first: a command that ends the process ends this one too.
   *
   * @throws `DeadLetterNotFound`
   * @example
   * ```ts
   * const { outcome } = await runtime.deadLetters.preview('account:command-ann@5')
   * if (outcome === 'accepted') await runtime.deadLetters.retry('account:command-ann@5', { by: 'ann', reason: 'mended' })
   * ```
   */
  async preview(id: string): Promise<DeadLetterPreview> {
    const { letter, streams } = await this.#find(id)
    const model = this.#models.get(letter.kind)
    if (!model) throw letterNotFound(id, 'no kind of actor of this runtime has it')
    return preview(this.#deps, model, streams.stream, await this.#commandOf(letter, streams))
  }

  /**
   * Gives the command up for good.
   *
   * @throws `DeadLetterNotFound` when there is no open one of this id
   * @throws `InvalidOption` when `by` or `reason` is missing
   * @example
   * ```ts
   * await runtime.deadLetters.skip('account:command-ann@5', { by: 'ann', reason: 'entered by hand' })
   * ```
   */
  async skip(id: string, act: Act): Promise<void> {
    const { letter, streams } = await this.#findOpen(id, act)
    const { commandRevision, commandId } = letter
    await appendParked(this.#deps, streams.parked, {
      type: 'reenact.CommandSkipped',
      commandRevision,
      commandId,
      ...act,
    })
  }

  /**
   * Dead letters as JSON Lines, one text a line with its line feed; whatever their status unless the filter names one.
   *
   * @example
   * ```ts
   * const lines = runtime.deadLetters.export({ status: 'open' })
   * await writeFile('dead-letters.jsonl', lines)
   * ```
   */
  async *export(filter: DeadLetterFilter = {}): AsyncGenerator<string> {
    for await (const letter of this.list({ status: 'all', ...filter })) {
      yield `${JSON.stringify(letter)}\n`
    }
  }

  async #postAgain(letter: DeadLetter): Promise<number> {
    const streams = streamsOf(letter.kind, letter.actorId)
    const original = await this.#commandOf(letter, streams)
    const { type, data } = original
    const metadata = JSON.stringify({ ...readMetadata(original), retryOf: letter.id })
    const { event } = identify({ stream: streams.commands, revision: 0, type, data, metadata })
    return (await appendAny(this.#deps, streams.commands, [event])).revision
  }

  async #commandOf(
    { id, commandRevision }: DeadLetter,
    { commands }: ActorStreams,
  ): Promise<RecordedEvent> {
    const page = await this.#deps.store.readStream(commands, { from: commandRevision, limit: 1 })
    const [original] = page.events
    if (original?.revision !== commandRevision) throw letterNotFound(id, 'its command is gone')
    return original
  }

  async *#parkedStreams(kind: string): AsyncGenerator<string> {
    const category = parkedCategory(kind)
    for (let after: string | undefined; ; ) {
      const names = await this.#deps.store.listStreams({
        category,
        ...(after === undefined ? {} : { after }),
      })
      yield* names
      after = names.at(-1)
      if (after === undefined) return
    }
  }

  async #lettersOf(kind: string, streams: ActorStreams): Promise<readonly DeadLetter[]> {
    const letters = new Map<number, DeadLetter>()
    for await (const entry of parkedEntries(this.#deps.store, streams.parked)) {
      const { commandRevision } = entry.event
      const letter = letterAfter(kind, streams, letters.get(commandRevision), entry)
      if (letter) letters.set(commandRevision, letter)
    }
    return [...letters.values()]
  }

  async #find(id: string) {
    const kind = id.slice(0, id.indexOf(':'))
    const at = id.lastIndexOf('@')
    const commands = id.slice(0, at)
    const again = this.#kinds.get(kind)
    if (!again || !commands.startsWith(`${commandCategory(kind)}-`)) {
      throw letterNotFound(id, 'no kind of actor, reaction or process of this runtime has it')
    }
    const streams = streamsOfRelated(kind, commands)
    const letter = (await this.#lettersOf(kind, streams)).find((one) => one.id === id)
    if (!letter) throw letterNotFound(id, 'nothing was parked there')
    return { letter, streams, again }
  }

  async #findOpen(id: string, { by, reason }: Act) {
    if (typeof by !== 'string' || by === '' || typeof reason !== 'string' || reason === '') {
      throw new ReenactError(
        'InvalidOption',
        `Say who does this and why: { by: 'ann', reason: 'mail server is back' }.`,
        { option: by ? 'reason' : 'by', fix: "give 'by' and 'reason' as non-empty texts" },
      )
    }
    const found = await this.#find(id)
    if (found.letter.status !== 'open') throw letterNotFound(id, `it was ${found.letter.status}`)
    return found
  }
}

function letterAfter(
  kind: string,
  { id: actorId, commands }: ActorStreams,
  before: DeadLetter | undefined,
  { event, time }: ParkedEntry,
): DeadLetter | undefined {
  if (event.type === 'reenact.CommandParked') {
    const { type: _, ...parked } = event
    const id = `${commands}@${parked.commandRevision}`
    return { id, kind, actorId, ...parked, parkedAt: time, status: 'open' }
  }
  const status = event.type === 'reenact.CommandRetried' ? 'retried' : 'skipped'
  return before && { ...before, status, act: { by: event.by, reason: event.reason, at: time } }
}

/** `DeadLetterNotFound`. */
export const letterNotFound = (id: string, why: string): ReenactError =>
  new ReenactError(
    'DeadLetterNotFound',
    `There is no open dead letter '${id}': ${why}. List them to see which there are.`,
    { id },
  )
