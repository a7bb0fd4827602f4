// Property (A12): commands delivered any number of times, in any interleaving, leave what one delivery leaves.

import { expect } from 'chai'
import fc from 'fast-check'
import { createMemoryStore, createRuntime, type SendResult } from '../../runtime/index.ts'
import { createManualPorts } from '../../runtime/testing/index.ts'
import { Account, type Command } from '../fixtures/account.ts'
import { anyCommand, numRuns } from './histories.ts'

/** Commands sent at once to one of the processes. */
interface Round {
  readonly process: number
  /** Which commands; those that were never sent come in their order. */
  readonly picks: readonly number[]
  readonly restart: boolean
  readonly advanceMs: number
}

interface Plan {
  readonly commands: readonly (readonly [actor: string, command: Command])[]
  readonly rounds: readonly Round[]
  readonly snapshotEvery: number
  readonly residentMax: number
}

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  commands: fc.array(fc.tuple(fc.constantFrom('ann', 'bob', 'cid'), anyCommand), {
    minLength: 1,
    maxLength: 20,
  }),
  rounds: fc.array(
    fc.record({
      process: fc.nat({ max: 1 }),
      picks: fc.array(fc.nat({ max: 19 }), { minLength: 1, maxLength: 6 }),
      restart: fc.boolean(),
      advanceMs: fc.nat({ max: 3_000 }),
    }),
    { maxLength: 15 },
  ),
  snapshotEvery: fc.integer({ min: 1, max: 6 }),
  residentMax: fc.integer({ min: 1, max: 3 }),
})

type Answer = SendResult<typeof Account>

/** Delivers by plan, and answers what is left: the log without writers and times, and all answers. */
async function deliver({ commands, rounds, snapshotEvery, residentMax }: Plan) {
  const ports = createManualPorts()
  const store = createMemoryStore(ports)
  const start = () =>
    createRuntime({
      store,
      actors: [Account],
      ports,
      limits: { snapshotEvery, residentMax, passivateAfterMs: 1_000 },
    })
  const processes = [await start(), await start()]
  for (const id of ['ann', 'bob', 'cid']) {
    const opened = processes[0]?.actor(Account, id).send({ type: 'open', owner: id })
    await ports.until(opened as Promise<Answer>)
  }
  const answers = commands.map((): Answer[] => [])
  for (const { process, picks, restart, advanceMs } of rounds) {
    const runtime = processes[process]
    if (!runtime) continue
    // One actor a group: more than are allowed in memory would be turned away.
    for (const group of groupsByActor(commands, picks)) {
      const sends = group.map(async (index) => {
        const [id, command] = commands[index] as readonly [string, Command]
        const sent = runtime.actor(Account, id).send(command, { commandId: `command ${index}` })
        answers[index]?.push(await sent)
      })
      await ports.until(Promise.all(sends))
    }
    if (restart) {
      await ports.until(runtime.close())
      processes[process] = await start()
    }
    await ports.advance(advanceMs)
  }
  const { events } = await store.readAll({ limit: 10_000 })
  const log = events.map(({ stream, revision, type, data }) => ({ stream, revision, type, data }))
  // The order of events is promised within a stream, not between streams.
  log.sort((a, b) => (a.stream === b.stream ? 0 : a.stream < b.stream ? -1 : 1))
  return { log: JSON.stringify(log), answers }
}

function groupsByActor(
  commands: Plan['commands'],
  picks: readonly number[],
): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>()
  for (const pick of picks) {
    const actor = commands[pick]?.[0]
    if (actor === undefined) continue
    groups.set(actor, [...(groups.get(actor) ?? []), pick])
  }
  return [...groups.values()]
}

/** The same plan with each command delivered once, where it came first, by one process that never restarts. */
function once(plan: Plan): Plan {
  const seen = new Set<number>()
  const rounds = plan.rounds.map(({ picks, advanceMs }) => ({
    process: 0,
    restart: false,
    advanceMs,
    picks: picks.filter((pick) => !seen.has(pick) && seen.add(pick)),
  }))
  return { ...plan, rounds, snapshotEvery: 1_000, residentMax: 3 }
}

describe('any number of deliveries', () => {
  it('leaves what one delivery leaves, and answers alike (A12, A17)', async function () {
    this.timeout(600_000)
    await fc.assert(
      fc.asyncProperty(anyPlan, async (plan) => {
        const many = await deliver(plan)
        const single = await deliver(once(plan))
        expect(many.log).to.equal(single.log)
        for (const [index, answers] of many.answers.entries()) {
          const [first] = single.answers[index] ?? []
          if (!first) continue
          // A conflict takes time, and other streams may be written first.
          const { time, position } = answers[0]?.state ?? {}
          const same = { ...first, position, state: { ...first.state, time, position } }
          for (const [nth, answer] of answers.entries()) {
            expect(answer).to.deep.equal({ ...same, duplicate: nth > 0 })
          }
        }
      }),
      { numRuns },
    )
  })
})
