// A live build that stands still, whichever process writes it: workers here are held, others leave their turn.

import { type Ports, sleep } from '../runtime/core/clock.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { type Build, type Catalog, placeOf } from './catalog.ts'
import type { Connection, Engine } from './engine.ts'
import type { LiveReader } from './live-reader.ts'
import type { WorkerGroup } from './worker-group.ts'

/** Nobody writes the build until it is let go. */
export interface StandingStill {
  /** Gives back the turns of other processes' workers. Those here still stand. */
  giveBack(): Promise<void>
  /** Gives all back: everybody goes on. */
  end(): Promise<void>
}

export interface StandingStillDeps {
  readonly engine: Engine
  readonly catalog: Catalog
  readonly ports: Ports
  readonly liveReader: LiveReader
  /** The live build's workers in this process. */
  readonly workers: WorkerGroup | undefined
}

const lookMs = 20
/** A worker here that has just begun goes first. */
const graceMs = 200
/** A request that a dying worker took with it is made again. */
const askMs = 1_000
const patienceMs = 30_000

/**
 * Resolves when nobody writes the live build. A turn is a lock that ends with the process, so that nobody waits for one that
 * died. Throws `StoreLocked` when a worker elsewhere does not answer.
 */
export async function standStill(deps: StandingStillDeps, live: Build): Promise<StandingStill> {
  const release = await deps.workers?.hold()
  const turns: Connection[] = []
  const giveBack = async () => {
    for (const turn of turns.splice(0)) await turn.close()
  }
  const end = async () => {
    await giveBack()
    release?.()
  }
  try {
    const parts = (await deps.liveReader.positions())?.keys() ?? []
    for (const part of parts) {
      const turn = await turnOf(deps, live, part)
      if (turn) turns.push(turn)
    }
    return { giveBack, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** `undefined` where a worker here stands still with it. */
async function turnOf(
  { engine, catalog, ports, workers }: StandingStillDeps,
  build: Build,
  part: number,
): Promise<Connection | undefined> {
  const { clock, timers } = ports
  const startedMs = clock.monotonic()
  let askedMs: number | undefined
  let turn: Connection | undefined
  while (!turn && !workers?.keeps(build, part)) {
    const nowMs = clock.monotonic()
    if (nowMs - startedMs > patienceMs) throw unanswered(build, engine)
    if (nowMs - startedMs >= graceMs || !workers?.waits(part)) {
      turn = await engine.openWriter(placeOf(build), part)
      if (!turn && nowMs - (askedMs ?? startedMs) >= (askedMs ? askMs : graceMs)) {
        askedMs = nowMs
        await catalog.askForTurn(build, part)
      }
    }
    if (!turn) await sleep(timers, lookMs)
  }
  // Who did not find the request yet need not any more.
  if (askedMs !== undefined) await catalog.lookAt(build, part)
  return turn
}

const unanswered = ({ projection, id }: Build, { name }: Engine): ReenactError =>
  new ReenactError(
    'StoreLocked',
    `The worker of '${projection}' in another process does not leave build ${id} in ${name}. See whether that process still runs, or end it, then try again.`,
    { file: placeOf({ projection, id }) },
  )
