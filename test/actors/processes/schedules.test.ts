// Commands that are posted later, or again and again.

import { expect } from 'chai'
import { z } from 'zod'
import {
  aggregate,
  isReenactError,
  type ParkedProcess,
  type Runtime,
  type ScheduleOptions,
} from '../../../runtime/index.ts'
import { Case, type World, world } from './world.ts'

const hour = 3_600_000

describe('scheduled commands', () => {
  let all: World
  let runtime: Runtime
  const open = async () => {
    runtime = await all.open([])
    runtime.work()
  }
  const schedule = (text: string, options: ScheduleOptions) =>
    all.until(runtime.schedule(Case, 'a', { type: 'note', text }, options))
  const notes = async () => (await all.until(runtime.actor(Case, 'a').state())).context.notes
  const pass = async (ms: number) => {
    all.ports.jump(ms)
    await all.ports.advance(900_000)
  }
  beforeEach(async () => {
    all = world()
    await open()
  })
  afterEach(() => all.until(runtime.close()))

  it('are posted once at their time, also after a restart', async () => {
    const at = all.ports.clock.now() + 30 * 24 * hour
    await schedule('once', { at, scheduleId: 'reminder' })
    await schedule('never', { at, scheduleId: 'reminder' })
    await all.until(runtime.close())
    await pass(29 * 24 * hour)
    await open()
    await all.ports.advance(10_000)
    expect(await notes()).to.deep.equal([])
    await pass(2 * 24 * hour)
    expect(await notes()).to.deep.equal(['once'])
  })

  it('come again and again by cron, in a time zone, and what was missed is made up for once', async () => {
    await schedule('morning', { cron: '0 8 * * *', timezone: 'Europe/Berlin' })
    // The clock begins at midnight UTC: eight in Berlin is seven.
    await pass(6 * hour)
    expect(await notes()).to.have.length(0)
    await pass(hour)
    expect(await notes()).to.have.length(1)
    await pass(24 * hour)
    expect(await notes()).to.have.length(2)
    await pass(5 * 24 * hour)
    expect(await notes()).to.have.length(3)
  })

  it('are parked where the command itself can never be posted, and go on when that is mended', async () => {
    const at = all.ports.clock.now() + hour
    await schedule('long', { at, scheduleId: 'reminder' })
    await all.until(runtime.close())
    const text = z.object({ text: z.string().max(3) })
    const options = { events: { Begun: {}, Noted: {} }, commands: { note: { schema: text } } }
    const strict = world([aggregate('case', Case.machine, options)], all)
    const refusing = await strict.open([])
    await pass(hour)
    const parkedIn = async (one: Runtime) => {
      const found: ParkedProcess[] = []
      for await (const parked of one.processes.parked()) found.push(parked)
      return found
    }
    const parked = await all.until(parkedIn(refusing))
    expect(parked.map(({ id, why }) => [id, why])).to.deep.equal([['reminder', 'step']])
    await all.until(refusing.close())
    await open()
    for (const { process, id } of await all.until(parkedIn(runtime))) {
      const act = { by: 'ann', reason: 'texts may be long again' }
      await all.until(runtime.processes.resume(process, id, act))
    }
    await all.ports.advance(10_000)
    expect(await notes()).to.deep.equal(['long'])
  })

  it('come once a day also where the clock goes back while they are posted', async () => {
    await schedule('daily', { cron: '1 0 * * *' })
    const { append } = all.log
    all.log.append = (stream, ...rest) => {
      // The clock is put right in the moment in which the timer has fired.
      const written = append.call(all.log, stream, ...rest)
      if (rest[0].some(({ type }) => type === 'reenact.TimerFired')) all.ports.jump(-2_000)
      return written
    }
    await all.ports.advance(70_000)
    expect(await notes()).to.have.length(1)
    await pass(24 * hour)
    expect(await notes()).to.have.length(2)
  })

  it('keep to the hour of their time zone when its clocks change', async () => {
    // The last Sunday of March 2026: two o'clock becomes three.
    all.ports.jump(Date.parse('2026-03-28T00:00:00Z') - all.ports.clock.now())
    await schedule('morning', { cron: '0 8 * * *', timezone: 'Europe/Berlin' })
    for (const [at, count] of [
      ['2026-03-28T06:45:00Z', 0],
      ['2026-03-28T07:00:00Z', 1],
      ['2026-03-29T05:45:00Z', 1],
      ['2026-03-29T06:00:00Z', 2],
    ] as const) {
      await pass(Date.parse(at) - all.ports.clock.now() - 900_000)
      await all.ports.advance(10_000)
      expect(await notes(), at).to.have.length(count)
      all.ports.jump(Date.parse(at) - all.ports.clock.now())
    }
  })

  it('end when somebody cancels them', async () => {
    const { cancel } = await schedule('hourly', { cron: '0 * * * *' })
    await pass(hour)
    await all.until(cancel({ by: 'ann', reason: 'enough' }))
    await pass(5 * hour)
    expect(await notes()).to.have.length(1)
  })

  it('are checked before they are kept', async () => {
    for (const [options, option] of [
      [{ cron: 'every day' }, 'cron'],
      [{ cron: '0 8 30 2 *' }, 'cron'],
      [{ cron: '0 8 * * *', timezone: 'Europe/Nowhere' }, 'timezone'],
      [{ cron: '0 8 * * *', timeZone: 'Europe/Berlin' } as ScheduleOptions, 'timeZone'],
    ] as const) {
      const error = await schedule('x', options).catch((thrown: unknown) => thrown)
      expect(isReenactError(error, 'InvalidOption') && error.details).to.deep.include({ option })
    }
  })
})
