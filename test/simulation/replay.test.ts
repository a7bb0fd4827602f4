// Property: the state at any moment of a random history is the state there was at that moment.

import { expect } from 'chai'
import fc from 'fast-check'
import {
  type ActorState,
  createMemoryStore,
  createRuntime,
  isReenactError,
} from '../../runtime/index.ts'
import { createManualPorts } from '../../runtime/testing/index.ts'
import { Account, type Command } from '../fixtures/account.ts'
import { anyCommand, anyMove, numRuns } from './histories.ts'

type State = ActorState<typeof Account>

/** One step of a history. */
interface Step {
  readonly command: Command
  readonly moveMs: number
  /** Own time relative to now, if the sender gives one. */
  readonly occurredMs: number | undefined
  readonly late: boolean
  readonly hasId: boolean
  readonly passivate: boolean
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  command: anyCommand,
  moveMs: anyMove,
  occurredMs: fc.option(fc.integer({ min: -10_000, max: 400_000 }), { nil: undefined, freq: 2 }),
  late: fc.boolean(),
  hasId: fc.boolean(),
  passivate: fc.boolean(),
})

/** What was recorded while a history happened. */
interface Recorded {
  readonly state: State
  readonly recordedAt: number
}

/** Lets a history happen and records each state there was. */
async function live(steps: readonly Step[], snapshotEvery: number) {
  const ports = createManualPorts()
  const store = createMemoryStore(ports)
  const limits = { snapshotEvery, passivateAfterMs: 1_000 }
  const runtime = await createRuntime({ store, actors: [Account], ports, limits })
  const ann = runtime.actor(Account, 'ann')
  const recorded: Recorded[] = []
  for (const [index, step] of [open, ...steps].entries()) {
    ports.jump(step.moveMs)
    if (step.passivate) await ports.advance(3_000)
    const now = ports.clock.now()
    const occurredAt = step.occurredMs === undefined ? undefined : now + step.occurredMs
    const result = await ports.until(
      ann
        .send(step.command, {
          ...(occurredAt === undefined ? {} : { occurredAt, late: step.late }),
          ...(step.hasId ? { commandId: `command ${index}` } : {}),
        })
        .catch((error: unknown) => {
          if (isReenactError(error, 'OutOfOrder') || isReenactError(error, 'TooFarAhead')) return
          throw error
        }),
    )
    if (!result || result.revision === recorded.at(-1)?.state.revision) continue
    const page = await store.readStream(ann.stream, { from: result.revision, limit: 1 })
    recorded.push({ state: result.state, recordedAt: page.events[0]?.recordedAt ?? -1 })
  }
  return { ports, ann, recorded, restart: () => createRuntime({ store, actors: [Account], ports }) }
}

const open: Step = {
  command: { type: 'open', owner: 'Ann' },
  moveMs: 0,
  occurredMs: undefined,
  late: false,
  hasId: false,
  passivate: false,
}

/** The last recorded state that fulfils a condition; conditions hold for a beginning of the list. */
const lastWhere = (
  recorded: readonly Recorded[],
  holds: (one: Recorded) => boolean,
): State | undefined => recorded.filter(holds).at(-1)?.state

describe('a replay of any history', () => {
  it('to a revision, position or time is the state there was', async function () {
    this.timeout(600_000)
    const histories = fc.array(anyStep, { maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 7 }), async (steps, every) => {
        const { ports, ann, recorded, restart } = await live(steps, every)
        const unborn = await ports.until(ann.replay({ revision: -1 }))
        const same = async (moment: Parameters<typeof ann.replay>[0], expected?: State) => {
          const found = await ports.until(ann.replay(moment))
          expect(found, JSON.stringify(moment)).to.deep.equal(expected ?? unborn)
        }
        for (const { state, recordedAt } of recorded) {
          await same({ revision: state.revision }, state)
          await same({ position: state.position }, state)
          for (const offset of [-1, 0, 1]) {
            const at = (state.time as number) + offset
            await same(
              { at },
              lastWhere(recorded, (one) => (one.state.time as number) <= at),
            )
            const knownAt = recordedAt + offset
            await same(
              { knownAt },
              lastWhere(recorded, (one) => one.recordedAt <= knownAt),
            )
          }
        }
        const again = (await restart()).actor(Account, 'ann')
        expect(await ports.until(again.state())).to.deep.equal(recorded.at(-1)?.state)
        expect((await ports.until(ann.verify())).ok).to.equal(true)
        const timeline = await ports.until(ann.timeline())
        expect(timeline.map(({ after }) => after)).to.deep.equal(recorded.map(({ state }) => state))
      }),
      { numRuns },
    )
  })
})
