// The integrity of one stream: its chain of hashes, its ids, and that replaying it twice gives the same.

import { canonical, encode } from '../runtime/codec/codec.ts'
import { type EventMetadata, readMetadata } from '../runtime/codec/metadata.ts'
import { isReenactError, messageOf, ReenactError } from '../runtime/core/errors.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import { activate } from './activation.ts'
import { isPassing } from './failure.ts'
import type { Model } from './model.ts'
import { hashOf, wrongHash } from './recorded.ts'
import { catchUp, type ReadDeps, unborn } from './rehydrate.ts'

/** What `actor.verify()` found. */
export interface Verification {
  /** No event is wrong and the machine replays them. */
  readonly ok: boolean
  /** Events that were read. */
  readonly events: number
  /** Events whose hash, id and place in the chain were checked. */
  readonly verified: number
  /** Events of foreign writers, which carry no hash. */
  readonly unverified: number
  /** What is wrong, each naming stream and revision. */
  readonly problems: readonly ReenactError[]
}

const pageLimit = 512

/** Checks a stream from its first event to its last. */
export async function verify(deps: ReadDeps, model: Model, stream: string): Promise<Verification> {
  const chain = new ChainCheck()
  try {
    for (let from = 0, end = false; !end; ) {
      // What cannot be read as a page is read one by one, up to the event that is damaged.
      const page = await deps.store
        .readStream(stream, { from, limit: pageLimit })
        .catch(() => deps.store.readStream(stream, { from, limit: 1 }))
      for (const recorded of page.events) chain.add(recorded)
      from = (page.events.at(-1)?.revision ?? from) + 1
      end = page.end
      await deps.timers.turn()
    }
    chain.problems.push(...(await checkReplay(deps, model, stream, chain.isWhole)))
  } catch (error) {
    if (!isReenactError(error) || isPassing(error)) throw error
    chain.problems.push(error)
  }
  const { events, verified, unverified, problems } = chain
  return { ok: problems.length === 0, events, verified, unverified, problems }
}

class ChainCheck {
  events = 0
  verified = 0
  unverified = 0
  readonly problems: ReenactError[] = []
  /** Whether it begins at revision 0. */
  isWhole = true
  #previous: string | undefined

  add(recorded: RecordedEvent): void {
    if (this.events === 0) this.isWhole = recorded.revision === 0
    this.events += 1
    const { hash, idMatches } = hashOf(recorded)
    const wrong = chainProblem(readMetadata(recorded), idMatches, this.#previous)
    if (wrong === undefined) this.verified += 1
    else if (wrong === 'unverified') this.unverified += 1
    else this.problems.push(wrongHash(recorded, wrong))
    this.#previous = hash
  }
}

/** What is wrong with an event's id or with its place after the event before; `unverified` where it has no hash. */
export function chainProblem(
  { previousHash }: EventMetadata,
  idMatches: boolean,
  previous: string | undefined,
): string | undefined {
  if (previousHash === undefined) return 'unverified'
  if (!idMatches) return 'its id does not agree with its bytes'
  // A truncated stream's chain starts at its first event.
  if (previous !== undefined && previousHash !== previous)
    return 'the event before it is another one'
  return undefined
}

/** Replays the events twice, the second time from a snapshot where there is one: all must give the same state. */
async function checkReplay(
  deps: ReadDeps,
  model: Model,
  stream: string,
  isWhole: boolean,
): Promise<readonly ReenactError[]> {
  const fromEvents = async () => {
    const state = unborn(model)
    await catchUp(deps, model, stream, state)
    return textOf(model, state.snapshot)
  }
  const fromSnapshot = async () =>
    textOf(model, (await activate(deps, model, stream, 'now')).state.snapshot)
  // What a truncated stream lacks at its beginning, a snapshot holds.
  const first = isWhole ? await fromEvents() : await fromSnapshot()
  if (first === (await fromSnapshot())) return []
  const isSnapshot = isWhole && first === (await fromEvents())
  const what = isSnapshot
    ? `The snapshot of ${stream} gives another state than its events`
    : `Two replays of ${stream} give different states`
  const fix = isSnapshot
    ? "raise 'version' of the aggregate: a function it uses has changed"
    : 'use only context and event in guards and assigns'
  return [
    new ReenactError('InvalidMachine', `${what}. To mend it: ${fix}.`, {
      aggregate: model.name,
      fix,
    }),
  ]
}

function textOf(model: Model, snapshot: Parameters<Model['runner']['plain']>[0]): string {
  const plain = model.runner.plain(snapshot)
  try {
    return canonical(JSON.parse(encode(plain)))
  } catch (error) {
    return `${JSON.stringify(plain.value)} ${messageOf(error)}`
  }
}
