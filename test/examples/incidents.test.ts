// The incidents example: its machine, its import, its answers, its command line.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { createRuntime, type Runtime } from 'reenact'
import { refusalLines } from '../../examples/incidents/answers.ts'
import { backlogOf, weekOf } from '../../examples/incidents/backlog.ts'
import { readCli, UsageError } from '../../examples/incidents/cli-options.ts'
import {
  type ImportOptions,
  importLog,
  type LineOutcome,
} from '../../examples/incidents/import-log.ts'
import { Incident } from '../../examples/incidents/incident.ts'
import { refusals, statusCounts, statusOf, storyOf } from '../../examples/incidents/questions.ts'
import { lineCharsMax } from '../../examples/incidents/read-lines.ts'
import type { Command, Desk, Request } from '../../examples/incidents/vocabulary.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const small = join(root, 'test/examples/incidents.jsonl')
const realLog = join(root, '../shared/data/incidents.jsonl.gz')

const firstLine: Desk = {
  team: 'V30',
  supportLine: 1,
  division: 'A2_4',
  organization: 'Org line A2',
}
const thirdLine: Desk = { ...firstLine, team: 'V5 3rd', supportLine: 3, division: 'A2_5' }
const about = { impact: 'Medium', product: 'PROD1', country: 'fr' }

const command = (
  request: Request['type'] | Request,
  desk: Desk = firstLine,
  impact = about.impact,
): Command => ({
  ...(typeof request === 'string' ? ({ type: request } as Request) : request),
  about: { ...about, impact },
  desk,
})

/**
 * All events by incident and revision, without what differs between two imports of the same log. The order of
 * incidents among each other is one of them: they are independent of each other.
 */
async function eventsOf(runtime: Runtime): Promise<readonly object[]> {
  const events: { actorId: string; revision: number }[] = []
  for (const types of [undefined, ['reenact.Rejected', 'reenact.NoEffect']]) {
    for await (const { id, position, recordedAt, ...event } of runtime.log(
      types ? { types } : {},
    )) {
      events.push(event)
    }
  }
  return events.sort((a, b) => a.actorId.localeCompare(b.actorId) || a.revision - b.revision)
}

const isoOf = (text: string): Date => new Date(text)

describe('the incidents example', function () {
  // Files are synced and processes started; nothing here is about time.
  this.timeout(60_000)
  let directory: string
  let store: string
  const open: Runtime[] = []

  const start = async (address = 'memory:'): Promise<Runtime> => {
    const runtime = await createRuntime({ store: address, actors: [Incident] })
    open.push(runtime)
    return runtime
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'reenact-incidents-'))
    store = `file:${join(directory, 'incidents.db')}`
  })

  afterEach(async () => {
    await Promise.all(open.splice(0).map((runtime) => runtime.close()))
    await rm(directory, { recursive: true })
  })

  describe('the machine', () => {
    let runtime: Runtime

    beforeEach(async () => {
      runtime = await start()
    })

    /** Sends commands to a new incident; answers the last one's outcome. */
    const after = async (...commands: readonly Command[]) => {
      const incident = runtime.actor(Incident, 'one')
      const results = await Promise.all(commands.map((one) => incident.send(one)))
      return results[results.length - 1] ?? expect.fail('no command')
    }

    const facts = (result: Awaited<ReturnType<typeof after>>) =>
      result.accepted ? result.events.map(({ type }) => type) : result.reason

    it('registers an incident with the first thing that is done to it', async () => {
      const result = await after(command('queue'))
      expect(facts(result)).to.deep.equal(['Registered', 'Queued'])
      expect(result.state.value).to.deep.equal({ open: 'queued' })
      expect(result.state.context).to.deep.include({ ...about, ...firstLine, handOvers: 0 })
    })

    it('goes from the queue through work, waiting and resolution to its closing', async () => {
      const result = await after(
        command('queue'),
        command('assign'),
        command('work'),
        command({ type: 'wait', waitingFor: 'user' }),
        command('resolve'),
        command('close'),
      )
      expect(result.state.value).to.deep.equal({ completed: 'closed' })
      const timeline = await runtime.actor(Incident, 'one').timeline()
      expect(timeline.map(({ after: { value } }) => statusOf(value))).to.deep.equal([
        'registered',
        'queued',
        'assigned',
        'in progress',
        'waiting',
        'resolved',
        'closed',
      ])
    })

    it('tells an escalation from another hand-over, and counts both', async () => {
      const up = await after(command('work'), command('queue', thirdLine))
      expect(facts(up)).to.deep.equal(['Escalated', 'Queued'])
      const down = await after(command('queue', firstLine))
      expect(facts(down)).to.deep.equal(['HandedOver'])
      expect(down.state.context).to.include({ team: 'V30', handOvers: 2 })
    })

    it('notes a new impact', async () => {
      const result = await after(command('work'), command('work', firstLine, 'High'))
      expect(facts(result)).to.deep.equal(['Reclassified'])
      expect(result.state.context.impact).to.equal('High')
    })

    it('accepts what is known already, and nothing changes', async () => {
      for (const request of [
        'queue',
        'assign',
        'work',
        { type: 'wait', waitingFor: 'vendor' },
      ] as const) {
        expect(facts(await after(command('work'), command(request), command(request)))).to.be.empty
      }
    })

    it('knows whom it waits for, until it waits no longer', async () => {
      const user = command({ type: 'wait', waitingFor: 'user' })
      const vendor = command({ type: 'wait', waitingFor: 'vendor' })
      expect((await after(command('work'), user, vendor)).state.context.waitingFor).to.equal(
        'vendor',
      )
      expect((await after(command('work'))).state.context.waitingFor).to.equal(null)
    })

    for (const end of ['resolve', 'resolveInCall'] as const) {
      it(`is reopened by new work after ${end}`, async () => {
        const result = await after(command('work'), command(end), command('work'))
        expect(facts(result)).to.deep.equal(['Reopened', 'WorkStarted'])
        expect(result.state.context.reopenings).to.equal(1)
      })
    }

    it('is reopened even when it was closed', async () => {
      const closed = [command('work'), command('resolve'), command('close')]
      expect(facts(await after(...closed, command('queue', thirdLine)))).to.deep.equal([
        'Reopened',
        'Escalated',
        'Queued',
      ])
    })

    it('is reopened when its resolution belonged elsewhere', async () => {
      await after(command('work'), command('resolve'))
      expect(facts(await after(command('unmatch')))).to.deep.equal(['Unmatched'])
      expect(facts(await after(command('close')))).to.equal('not resolved')
      expect(facts(await after(command('work')))).to.deep.equal(['Reopened', 'WorkStarted'])
    })

    const refused: readonly (readonly [readonly Request['type'][], Request['type'], string])[] = [
      [[], 'wait', 'not registered'],
      [[], 'resolve', 'not registered'],
      [[], 'close', 'not registered'],
      [['queue'], 'resolve', 'still in the queue'],
      [['queue'], 'resolveInCall', 'still in the queue'],
      [['queue'], 'wait', 'still in the queue'],
      [['work'], 'close', 'not resolved'],
      [['work'], 'unmatch', 'not resolved'],
      [['work', 'resolve'], 'resolve', 'already resolved'],
      [['work', 'resolve'], 'wait', 'not reopened'],
      [['work', 'resolve'], 'cancel', 'already resolved'],
      [['work', 'resolveInCall'], 'resolveInCall', 'already resolved'],
      [['work', 'resolveInCall'], 'close', 'already closed'],
      [['work', 'resolve', 'close'], 'close', 'already closed'],
      [['work', 'resolve', 'close'], 'resolve', 'already closed'],
    ]
    for (const [before, request, reason] of refused) {
      it(`refuses ${request} after ${before.join(', ') || 'nothing'}: ${reason}`, async () => {
        const result = await after(...before.map((one) => command(one)), command(request))
        expect(facts(result)).to.equal(reason)
      })
    }

    it('says whose queue it is in', async () => {
      const result = await after(command('queue'), command('resolve'))
      expect(result).to.deep.include({ accepted: false, details: { team: 'V30' } })
    })

    it('takes nothing after it was cancelled', async () => {
      const result = await after(command('work'), command('cancel'), command('work'))
      expect(result.accepted).to.equal(false)
      expect(result.state).to.include({ value: 'cancelled', status: 'done' })
    })
  })

  describe('the import', () => {
    /** Imports the small log and answers the report with each line's outcome. */
    const importSmall = async (runtime: Runtime, path = small, options: ImportOptions = {}) => {
      const outcomes = new Map<number, LineOutcome>()
      const report = await importLog(runtime, path, {
        ...options,
        onLine: (line, outcome) => {
          outcomes.set(line.number, outcome)
          options.onLine?.(line, outcome)
        },
      })
      return { report, outcomes }
    }

    it('makes every line a command and goes on after invalid ones', async () => {
      const { report, outcomes } = await importSmall(await start(store))
      expect(report).to.deep.equal({
        lastLine: 24,
        accepted: 14,
        unchanged: 1,
        rejected: new Map([
          ['not registered', 2],
          ['still in the queue', 1],
          ['already closed', 1],
          ['the incident is at its end', 1],
        ]),
        duplicates: 0,
        invalid: 4,
        complete: true,
      })
      const problems = [...outcomes].flatMap(([number, outcome]) =>
        outcome.kind === 'invalid' ? [[number, outcome.problem]] : [],
      )
      expect(problems.map(([number]) => number)).to.deep.equal([4, 12, 21, 22])
      expect(problems[0]?.[1]).to.match(/^not JSON: /)
      expect(problems.slice(1).map(([, problem]) => problem)).to.deep.equal([
        'impact: missing; product: missing; country: missing; team: missing; line: missing; organization: missing',
        "status: 'Accepted/Orbiting' is not known",
        'time: not a time such as 2012-05-01T00:00:00Z',
      ])
    })

    it('reports outcomes in the order of the file', async () => {
      const { outcomes } = await importSmall(await start())
      const numbers = [...outcomes.keys()]
      expect(numbers).to.deep.equal(numbers.toSorted((a, b) => a - b))
      expect(numbers).to.have.length(23, 'all but the empty line')
    })

    it('takes the time of an event from the log, also when it steps back', async () => {
      const runtime = await start()
      await importSmall(runtime)
      const history = await runtime.actor(Incident, 'C-3').history()
      expect(history.map(({ time }) => new Date(time).toISOString().slice(11, 16))).to.deep.equal([
        '08:06',
        '08:06',
        '08:05',
        '09:00',
      ])
    })

    it('reads a gzipped log, Windows line ends and a last line without end', async () => {
      const path = join(directory, 'small.jsonl.gz')
      const text = readFileSync(small, 'utf8').trimEnd().replaceAll('\n', '\r\n')
      await writeFile(path, gzipSync(text))
      const [zipped, plain] = [await start(), await start()]
      await importSmall(zipped, path)
      await importSmall(plain)
      expect((await statusCounts(zipped, new Date())).counts).to.deep.equal(
        (await statusCounts(plain, new Date())).counts,
      )
    })

    it('does nothing when the log was imported before', async () => {
      const runtime = await start(store)
      await importSmall(runtime)
      const before = await eventsOf(runtime)
      const copy = join(directory, 'another-name.jsonl')
      await copyFile(small, copy)
      let continuedAfter = 0
      const { report } = await importSmall(runtime, copy, {
        onContinue: (lastLine) => {
          continuedAfter = lastLine
        },
      })
      expect(continuedAfter).to.equal(24)
      expect(report).to.include({ lastLine: 24, accepted: 0, duplicates: 0, complete: true })
      expect(await eventsOf(runtime)).to.deep.equal(before)
    })

    for (const how of ['a limit', 'a signal', 'a failure', 'a crash'] as const) {
      it(`goes on after ${how} as if nothing had happened`, async () => {
        const whole = await start()
        await importSmall(whole)

        const first = await start(store)
        const stopping = new AbortController()
        const options: ImportOptions = {
          inFlightMax: 4,
          ...(how === 'a limit' ? { limit: 9 } : {}),
          signal: stopping.signal,
          onLine: ({ number }) => {
            if (how === 'a signal' && number === 9) stopping.abort()
          },
        }
        const runtime = how === 'a failure' ? failingAt(first, 'C-3') : first
        const { report } = await importSmall(runtime, small, options).catch((error: Error) => {
          expect(error.message).to.equal('failed')
          return { report: undefined }
        })
        expect(report?.complete).to.equal(
          how === 'a failure' ? undefined : how === 'a crash',
          'whether it came to the end',
        )
        if (how === 'a limit') expect(report?.lastLine).to.equal(9)
        // A process that dies has not noted how far it came.
        if (how === 'a crash') {
          for (const key of await first.store.state.keys('incidents-import:')) {
            await first.store.state.delete(key)
          }
        }
        await first.close()

        const second = await start(store)
        const { report: rest } = await importSmall(second)
        expect(rest.complete).to.equal(true)
        if (how === 'a crash') expect(rest).to.include({ accepted: 0, duplicates: 19, invalid: 4 })
        expect(await eventsOf(second)).to.deep.equal(await eventsOf(whole))
      })
    }

    /** A runtime that breaks at one incident. */
    const failingAt = (runtime: Runtime, failing: string): Runtime => ({
      ...runtime,
      actor: (aggregate, id) => {
        if (id === failing) throw new Error('failed')
        return runtime.actor(aggregate, id)
      },
    })

    it('passes over lines that are too long, and goes on after them', async () => {
      const path = join(directory, 'long.jsonl.gz')
      const [first = '', ...others] = readFileSync(small, 'utf8').trimEnd().split('\n')
      const long = 'x'.repeat(lineCharsMax + 1)
      const longest = `"${'y'.repeat(5 * lineCharsMax)}"\r`
      const padded = `${first}${' '.repeat(lineCharsMax - first.length)}`
      await writeFile(
        path,
        gzipSync([padded, long, '', longest, long, ...others, longest].join('\n')),
      )
      const runtime = await start()
      const { report, outcomes } = await importSmall(runtime, path)
      expect(report).to.include({ lastLine: 29, accepted: 14, invalid: 8, complete: true })
      for (const number of [2, 4, 5, 29]) {
        expect(outcomes.get(number)).to.deep.equal({
          kind: 'invalid',
          problem: `longer than ${lineCharsMax} characters`,
        })
      }
      expect(outcomes.get(1)?.kind).to.equal('accepted')
    })

    it('says where a broken file ends, and keeps what comes before', async () => {
      const path = join(directory, 'broken.jsonl.gz')
      const lines = readFileSync(small, 'utf8').repeat(20)
      const zipped = gzipSync(lines)
      await writeFile(path, zipped.subarray(0, zipped.length - 20))
      const runtime = await start()
      const failure = await importSmall(runtime, path).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(failure)
        .to.be.an('error')
        .with.property('message')
        .that.matches(/cannot be read after/)
      expect((await statusCounts(runtime, new Date())).total).to.equal(4)
    })
  })

  describe('the answers', () => {
    let runtime: Runtime

    beforeEach(async () => {
      const writer = await createRuntime({ store, actors: [Incident] })
      await importLog(writer, small)
      await writer.close()
      runtime = await start(`${store}?mode=ro`)
    })

    it('say what an incident was at a time', async () => {
      const { state } = await storyOf(runtime, 'A-1', isoOf('2012-01-02T09:30:00Z'))
      expect(statusOf(state.value)).to.equal('waiting')
      expect(state.context).to.include({ team: 'V5 3rd', waitingFor: 'user', impact: 'Medium' })
    })

    it('say what an incident is now', async () => {
      const { state } = await storyOf(runtime, 'A-1')
      expect(statusOf(state.value)).to.equal('in progress')
      expect(state.context).to.include({ team: 'V30', reopenings: 1, handOvers: 2, impact: 'High' })
    })

    it('tell the timeline with what changed, refusals and what told nothing new', async () => {
      const { timeline } = await storyOf(runtime, 'B-2', isoOf('2012-01-11T08:00:00Z'))
      expect(timeline.map(({ event }) => event.type)).to.deep.equal([
        'reenact.Rejected',
        'Registered',
        'Queued',
        'reenact.NoEffect',
        'reenact.Rejected',
        'WorkStarted',
      ])
      expect(timeline.at(-1)?.changes.map(({ path }) => path)).to.deep.equal(['value.open'])
    })

    it('tell an unknown incident from one that did not exist yet', async () => {
      const early = await storyOf(runtime, 'A-1', isoOf('2011-01-01T00:00:00Z'))
      expect(early).to.deep.include({ known: true, timeline: [] })
      const unknown = await storyOf(runtime, 'Z-9', isoOf('2012-01-02T09:30:00Z'))
      expect(unknown).to.deep.include({ known: false, timeline: [] })
    })

    it('count incidents by status at a time, in the order of their life', async () => {
      const countsAt = async (time: string) => [
        ...(await statusCounts(runtime, isoOf(time))).counts,
      ]
      expect(await countsAt('2012-01-01T08:30:00Z')).to.deep.equal([
        ['unregistered', 1],
        ['in progress', 1],
      ])
      expect(await countsAt('2012-01-03T08:00:00Z')).to.deep.equal([
        ['queued', 1],
        ['resolved', 1],
      ])
      expect(await countsAt('2012-12-31')).to.deep.equal([
        ['unregistered', 1],
        ['in progress', 1],
        ['resolved in call', 1],
        ['cancelled', 1],
      ])
    })

    it('show the backlog of each team as the incidents themselves do', async () => {
      for (const time of [undefined, '2012-01-01T08:30:00Z', '2012-01-03T08:00:00Z']) {
        const at = time === undefined ? undefined : isoOf(time)
        const expected = new Map<string, number>()
        for await (const { state } of runtime.replayAll(Incident, { at: at ?? new Date() })) {
          const { value = '', context } = state ?? {}
          if (typeof value !== 'object' || !('open' in value) || !context?.team) continue
          expected.set(context.team, (expected.get(context.team) ?? 0) + 1)
        }
        const found = await backlogOf(runtime, at)
        expect(expected.size, time).to.be.greaterThan(0)
        expect(new Map(found.map(({ team, open: number }) => [team, number]))).to.deep.equal(
          expected,
        )
        for (const { open: number, weeks } of found) {
          expect([...weeks.values()].reduce((a, b) => a + b)).to.equal(number)
        }
      }
    })

    it('name weeks as ISO 8601 does', () => {
      const week = (time: string) => weekOf(Date.parse(time))
      expect(week('2012-01-01T12:00:00Z')).to.equal('2011-W52')
      expect(week('2012-01-02T00:00:00Z')).to.equal('2012-W01')
      expect(week('2020-12-31T23:59:59Z')).to.equal('2020-W53')
      expect(week('2021-01-04T00:00:00Z')).to.equal('2021-W01')
    })

    it('say which commands were refused and why', async () => {
      const found = await refusals(runtime, 1)
      expect(found.map(({ reason, count }) => [reason, count])).to.deep.equal([
        ['not registered', 2],
        ['already closed', 1],
        ['still in the queue', 1],
        ['the incident is at its end', 1],
      ])
      const title = (shown: typeof found) => stripVTControlCharacters(refusalLines(shown)[0] ?? '')
      expect(title(found)).to.equal('5 commands were refused')
      expect(title(found.slice(1, 2))).to.equal('1 command was refused')
      expect(found[0]?.latest).to.deep.equal([
        {
          incident: 'D-4',
          time: Date.parse('2012-01-13T07:00:00Z'),
          command: 'close',
          status: 'unregistered',
          reason: 'not registered',
          details: undefined,
        },
      ])
    })
  })

  describe('the command line', () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['--nope', /^Unknown option '--nope'\.$/],
      ['--incident', /--incident/],
      ['--incident --status', /^Option '--incident' needs a value\.$/],
      ['a.jsonl b.jsonl', /^One file at a time/],
      ['--store file:x.db', /^Name a file/],
      ['--status --rejections', /^One question at a time/],
      ['--status --at yesterday', /^--at 'yesterday' is not a time/],
      ['--status --at 2012-05-01T00:00:00', /is not a time/],
      ['--status --at 2012-13-01', /is not a time/],
      ['a.jsonl --at 2012-05-01', /^--at belongs to/],
      ['--status --limit 3', /^--limit belongs to/],
      ['a.jsonl --limit 0', /^--limit '0' is not/],
    ]
    for (const [line, message] of wrong) {
      it(`answers '${line}' with one sentence`, () => {
        expect(() => readCli(line.split(' '))).to.throw(UsageError, message)
      })
    }

    const cli = (...args: readonly string[]) => {
      const main = join(root, 'dist/examples/incidents/main.js')
      const env = { ...process.env, NO_COLOR: '1' }
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
        cwd: directory,
        encoding: 'utf8',
        env,
      })
      return { status, stdout, stderr }
    }

    it('imports, then answers from the file', () => {
      const imported = cli(small)
      expect(imported.status).to.equal(0)
      expect(imported.stderr).to.contain("line 21: status: 'Accepted/Orbiting' is not known\n")
      expect(imported.stdout).to.match(/accepted +14 +1 of them told nothing new\n/)
      expect(imported.stdout).to.contain('-- --incident A-1 --at 2012-01-12T09:00:00Z\n')

      const story = cli('--incident', 'A-1', '--at', '2012-01-01T09:00:00Z')
      expect(story.status).to.equal(0)
      expect(story.stdout).to.contain('Incident A-1 was queued at 2012-01-01T09:00:00Z\n')
      expect(story.stdout).to.match(/Escalated +in progress +team V30 → V5 3rd, support line 1 → 3/)

      const unknown = cli('--incident', 'Z-9')
      expect(unknown).to.deep.equal({
        status: 1,
        stdout: '',
        stderr: "There is no incident 'Z-9' in this store.\n",
      })
    })

    it('asks for an import where there is nothing to ask about', () => {
      const { status, stderr } = cli('--status')
      expect(status).to.equal(1)
      expect(stderr).to.match(/^There are no incidents in 'incidents\.db' yet\./)
      expect(existsSync(join(directory, 'incidents.db'))).to.equal(false)
    })

    it('ends with 2 when it was called wrongly', () => {
      expect(cli('--nope').status).to.equal(2)
    })
  })

  describe('on the real log', () => {
    it('agrees with a plain fold over its lines', async function () {
      if (!existsSync(realLog)) {
        console.log(`      no ${realLog}: not compared with the real log`)
        this.skip()
      }
      const limit = 5000
      const accepted = new Set<number>()
      const runtime = await start(store)
      const report = await importLog(runtime, realLog, {
        limit,
        onLine: ({ number }, { kind }) => {
          if (kind === 'accepted') accepted.add(number)
        },
      })
      expect(report).to.include({ lastLine: limit, invalid: 0, duplicates: 0 })
      expect(accepted.size)
        .to.be.greaterThan(limit * 0.99)
        .and.lessThan(limit)

      const lines = gunzipSync(readFileSync(realLog)).toString().split('\n').slice(0, limit)
      for (const index of [0, 10, 500, 2500, 4000, limit - 1]) {
        const time = (JSON.parse(lines[index] ?? '') as { time: string }).time
        const { counts } = await statusCounts(runtime, isoOf(time))
        expect(Object.fromEntries(counts), `at ${time}`).to.deep.equal(
          foldAt(lines, accepted, time),
        )
      }
    })

    /** What the log itself says, line by line, leaving out what the desk refused. */
    function foldAt(lines: readonly string[], accepted: ReadonlySet<number>, time: string) {
      const last = new Map<string, string>()
      lines.forEach((text, index) => {
        const line = JSON.parse(text) as Record<string, string>
        const incident = line['incident'] ?? ''
        if ((line['time'] ?? '') > time) return
        if (accepted.has(index + 1)) last.set(incident, `${line['status']}/${line['substatus']}`)
        else if (!last.has(incident)) last.set(incident, 'refused')
      })
      const counts: Record<string, number> = {}
      for (const found of last.values()) {
        const status = names[found] ?? 'waiting'
        counts[status] = (counts[status] ?? 0) + 1
      }
      return counts
    }

    const names: Readonly<Record<string, string>> = {
      refused: 'unregistered',
      'Queued/Awaiting Assignment': 'queued',
      'Accepted/Assigned': 'assigned',
      'Accepted/In Progress': 'in progress',
      'Completed/Resolved': 'resolved',
      'Completed/In Call': 'resolved in call',
      'Completed/Closed': 'closed',
      'Completed/Cancelled': 'cancelled',
      'Unmatched/Unmatched': 'unmatched',
    }
  })
})
