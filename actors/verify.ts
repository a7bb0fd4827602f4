// The integrity of one stream: its chain of hashes, its ids, and that replaying it twice gives the same.

import { canonical, encode } from '../runtime/codec/codec.ts'
import { type EventMetadata, readMetadata } from '../runtime/codec/metadata.ts'
import { isReenactError, messageOf, ReenactError } from '../runtime/core/errors.ts'
import type { RecordedEvent } from '../runtime/ports/event-store.ts'
import { activate } from './activation.ts'
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

/** Checks a stream from its first event to its last. */
export async function verify(deps: ReadDeps, model: Model, stream: string): Promise<Verification> {
  const chain = new ChainCheck()
  try {
    for (let from = 0, end = false; !end; ) {
      const page = await deps.store.readStream(stream, { from })
      for (const recorded of page.events) chain.add(recorded)
      from = (page.events.at(-1)?.revision ?? from) + 1
      end = page.end
      await deps.timers.turn()
    }
    chain.problems.push(...(await checkReplay(deps, model, stream, chain.isWhole)))
  } catch (error) {
    if (!isReenactError(error) || passing.has(error.code)) throw error
    chain.problems.push(error)
  }
  const { events, verified, unverified, problems } = chain
  return { ok: problems.length === 0, events, verified, unverified, problems }
}

/** Troubles of the store, which say nothing about the stream. */
const passing: ReadonlySet<string> = new Set(['Closed', 'StoreFailed', 'StoreUnreadable'])

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

/** Replays twice: a machine that depends on more than state and event shows itself. */
async function checkReplay(
  deps: ReadDeps,
  model: Model,
  stream: string,
  isWhole: boolean,
): Promise<readonly ReenactError[]> {
  const states = []
  for (let round = 0; round < 2; round += 1) {
    // What a truncated stream lacks at its beginning, a snapshot holds.
    let state = unborn(model)
    if (isWhole) await catchUp(deps, model, stream, state)
    else state = (await activate(deps, model, stream)).state
    states.push(textOf(model, state.snapshot))
  }
  if (states[0] === states[1]) return []
  const fix = 'use only context and event in guards and assigns'
  return [
    new ReenactError(
      'InvalidMachine',
      `Two replays of ${stream} give different states. To mend it: ${fix}.`,
      { aggregate: model.name, fix },
    ),
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
