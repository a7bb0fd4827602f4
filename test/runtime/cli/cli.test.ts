// The built `reenact` command as a real process on real files.

import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DatabaseSync } from '@photostructure/sqlite'
import { expect } from 'chai'
import { createRuntime } from '../../../runtime/index.ts'
import { startServer } from '../../../runtime/server/index.ts'
import { openSqliteStore } from '../../../runtime/stores/sqlite/sqlite-store.ts'
import { Account } from '../../fixtures/account.ts'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { event, freshFile } from '../stores/support/store-files.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const bin = join(root, packageJson.bin.reenact)

interface Said {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function reenact(args: readonly string[], env: NodeJS.ProcessEnv = {}): Said {
  const { FORCE_COLOR, NO_COLOR, ...inherited } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    env: { ...inherited, ...env },
  })
  return { code: status, out: stdout, err: stderr }
}

const names = ['ann', 'bob', 'cleo']

/** Three accounts of an opening and three deposits, taken in turns: twelve positions. */
async function bank(file: string): Promise<void> {
  const runtime = await createRuntime({ store: `file:${file}`, actors: [Account] })
  for (const name of names) await runtime.actor(Account, name).send({ type: 'open', owner: name })
  for (const amount of [1, 2, 3]) {
    for (const name of names) await runtime.actor(Account, name).send({ type: 'deposit', amount })
  }
  await runtime.close()
}

/** Changes a closed store behind its back. */
function tamper(file: string, sql: string): void {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

/** Makes the checksums of events wrong. */
const spoil = (which: string): string => `UPDATE events SET frame = frame || ' ' WHERE ${which}`

const jsonLines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

describe('reenact', function () {
  this.timeout(60_000)
  const directory = temporaryFolder()

  async function newBank(): Promise<string> {
    const file = freshFile(directory)
    await bank(file)
    return file
  }

  describe('on the command line', () => {
    it('--help names every command, and each has help of its own', () => {
      const { code, out, err } = reenact(['--help'])
      expect([code, err]).to.deep.equal([0, ''])
      const commands = [...out.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name = '']) => name)
      expect(commands).to.include.members([
        'verify',
        'log',
        'streams',
        'backup',
        'serve',
        'worker',
        'projections',
      ])
      for (const command of commands) {
        const own = reenact([command, '--help'])
        expect(own.code, command).to.equal(0)
        expect(own.out).to.include(`Usage: reenact ${command}`)
      }
      // By the same way for every command.
      expect(reenact(['help', 'log'])).to.deep.equal(reenact(['log', '--help']))
    })

    it('--version says the version of the package', () => {
      expect(reenact(['--version'])).to.deep.equal({
        code: 0,
        out: `${packageJson.version}\n`,
        err: '',
      })
    })

    const mistakes: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [[], /^Usage: reenact <command>/m],
      [['verfy'], /^There is no command 'verfy'\. See reenact --help\n$/],
      [['--jsn'], /^There is no option '--jsn'\. See reenact --help\n$/],
      [['help', 'verfy'], /^There is no command 'verfy'\./],
      [['toString'], /^There is no command 'toString'\./],
      [['verify'], /^Missing required argument 'store'\.\nSee reenact verify --help\n$/],
      [['log', 'a.db', '--jsn'], /^Unknown option '--jsn'\.\n\(Did you mean --json\?\)\nSee/],
      [['log', 'a.db', 'b.db'], /^Too many arguments\. Expected 1 argument but got 2\.\n/],
      [['log', 'a.db', '--limit', '0'], /'0' is invalid\. Give a whole number from 1\.\n/],
      [['log', 'a.db', '--after', '-1'], /'-1' is invalid\. Give a whole number from 0\.\n/],
    ]
    for (const [args, message] of mistakes) {
      it(`'reenact ${args.join(' ')}' says what is wrong, with exit code 2`, () => {
        const { code, out, err } = reenact(args)
        expect([code, out]).to.deep.equal([2, ''])
        expect(err).to.match(message)
      })
    }

    it('a store that is not there is told in one sentence, with exit code 1, and not made', () => {
      const file = freshFile(directory)
      for (const args of [
        ['verify', file],
        ['log', file],
        ['streams', file, '--category', 'account'],
        ['backup', file, `${file}.copy`],
      ]) {
        const { code, out, err } = reenact(args)
        expect([code, out]).to.deep.equal([1, ''])
        expect(err).to.match(/^There is no store '.*'\.[^\n]*\n$/)
      }
      expect(reenact(['verify', file]).code).to.equal(1)
    })

    it('colours only where they are wanted', async () => {
      const file = await newBank()
      const isColoured = (env: NodeJS.ProcessEnv): boolean =>
        reenact(['verify', file], env).out.includes('\u001b[')
      expect(isColoured({ FORCE_COLOR: '1' })).to.equal(true)
      expect(isColoured({ FORCE_COLOR: '1', NO_COLOR: '1' })).to.equal(false)
      expect(isColoured({ CI: 'true' })).to.equal(false)
    })
  })

  describe('verify', () => {
    it('a sound store: counts, exit code 0', async () => {
      const { code, out } = reenact(['verify', await newBank()])
      expect(code).to.equal(0)
      expect(out).to.include('sound. 12 events in 3 streams read.\n')
      expect(out).to.include('  12 verified by checksum, id and chain\n')
    })

    it('takes the address of a store as well as its path, and reads beside a writer', async () => {
      const file = await newBank()
      const runtime = await createRuntime({ store: `file:${file}`, actors: [Account] })
      await runtime.actor(Account, 'ann').send({ type: 'deposit', amount: 9 })
      const { code, out } = reenact(['verify', `file:${file}`])
      await runtime.close()
      expect(code).to.equal(0)
      expect(out).to.include('13 events in 3 streams')
    })

    it('truncated, deleted and written again is sound', async () => {
      const file = await newBank()
      const store = await openSqliteStore(file)
      await store.setStreamMetadata('account-ann', { truncateBefore: 2 })
      await store.deleteStream('account-bob')
      await store.append(
        'account-bob',
        [{ id: '6a1b6bd5-8f5e-4a0c-9d2e-0a4c1f7f0b11', type: 'T', data: '{}', metadata: '{}' }],
        { expected: 'any' },
      )
      await store.close()
      const { code, out } = reenact(['verify', file])
      expect(out).to.include('sound. 7 events in 3 streams read.\n')
      expect(out).to.include('  1 by checksum alone: their writer left no hashes\n')
      expect(code).to.equal(0)
    })

    const damages: readonly (readonly [what: string, sql: string, ...said: string[]])[] = [
      [
        'a changed event',
        spoil('position = 5'),
        'DAMAGED. 11 events in 3 streams read.',
        'Damaged streams: account-bob\n',
        "Event 1 of 'account-bob' does not match its checksum",
      ],
      [
        'the last event',
        spoil('position = 12'),
        'DAMAGED. 11 events in 3 streams read.',
        'Damaged streams: account-cleo\n',
      ],
      [
        'changed events of several streams',
        spoil('position IN (1, 2, 7)'),
        'DAMAGED. 9 events in 3 streams read.',
        'Damaged streams: account-ann, account-bob\n',
        "Event 0 of 'account-ann'",
        "Event 2 of 'account-ann'",
        "Event 0 of 'account-bob'",
      ],
      [
        'a lost event',
        'DELETE FROM events WHERE position = 5',
        'DAMAGED. 11 events in 3 streams read.',
        'Damaged streams: account-bob\n',
        'the event at position 5 is missing',
        "'account-bob' lacks event 1",
      ],
      [
        "the last entry of a stream's index",
        'DELETE FROM stream_events WHERE revision = 3 AND stream = 2',
        'DAMAGED. 12 events in 3 streams read.',
        'Damaged streams: account-bob\n',
        "The log has event 3 of 'account-bob', but the stream read by itself ends at 2.",
      ],
      [
        "a stream's entry",
        "UPDATE streams SET crc = crc + 1 WHERE name = 'account-cleo'",
        'DAMAGED. 8 events in 2 streams read.',
        "the entry of stream 'account-cleo' does not match its checksum",
      ],
    ]
    for (const [what, sql, ...said] of damages) {
      it(`${what}: names the stream, reads the rest, exit code 1`, async () => {
        const file = await newBank()
        tamper(file, sql)
        const { code, out } = reenact(['verify', file])
        expect(code).to.equal(1)
        for (const text of said) expect(out).to.include(text)
      })
    }

    it('finds an event that was replaced with a fitting checksum', async () => {
      const file = await newBank()
      const store = await openSqliteStore(file)
      const { events } = await store.readStream('account-ann')
      const last = events.at(-1) as (typeof events)[number]
      const forged = { ...last, id: last.id.replace(/^.{8}/, '00000000') }
      await store.append('account-ann', [forged], { expected: 3 })
      const skipping = { ...last, metadata: events[1]?.metadata ?? '' }
      await store.append('account-bob', [skipping], { expected: 3 })
      await store.close()
      const { code, out } = reenact(['verify', file])
      expect(code).to.equal(1)
      expect(out).to.include('Damaged streams: account-ann, account-bob\n')
      expect(out).to.include('account-ann@4 was changed after it was written')
    })

    it('finds a damaged snapshot', async () => {
      const file = await newBank()
      const store = await openSqliteStore(file)
      await store.state.put('snapshot:account-ann', '{}')
      await store.close()
      expect(reenact(['verify', file]).out).to.include('1 snapshot')
      tamper(file, "UPDATE state SET value = '{ }'")
      const { code, out } = reenact(['verify', file])
      expect(code).to.equal(1)
      expect(out).to.include('Damaged streams: none by name\n')
      expect(out).to.include("'snapshot:account-ann'")
    })

    it('finds damage in the structure of the file', async () => {
      const file = await newBank()
      const bytes = readFileSync(file)
      bytes.writeUInt32BE(7, 36) // How many free pages there are.
      writeFileSync(file, bytes)
      const { code, out } = reenact(['verify', file])
      expect(code).to.equal(1)
      expect(out).to.include('DAMAGED. 12 events in 3 streams read.')
      expect(out).to.match(/is damaged: .*[Ff]reelist/)
    })

    it('counts what it does not list', async () => {
      const file = freshFile(directory)
      const store = await openSqliteStore(file)
      const events = Array.from({ length: 1_234 }, (_, n) => event(n))
      await store.append('account-many', events, { expected: -1 })
      await store.close()
      tamper(file, spoil('true'))
      const { code, out } = reenact(['verify', file])
      expect(code).to.equal(1)
      expect(out).to.include("  Event 19 of 'account-many'")
      expect(out).to.include('  … and 1,214 more problems\n')
    })

    it('says when nothing of a long stretch can be read', async () => {
      const file = await newBank()
      tamper(file, 'UPDATE events SET position = position + 1000000 WHERE position > 6')
      const { code, out } = reenact(['verify', file])
      expect(code).to.equal(1)
      expect(out).to.include('what comes later was not looked at')
    })
  })

  describe('log', () => {
    it('--json gives every event as the store has it', async () => {
      const file = await newBank()
      const store = await openSqliteStore(file, { mode: 'ro' })
      const { events } = await store.readAll()
      await store.close()
      const { code, out, err } = reenact(['log', file, '--json'])
      expect([code, err]).to.deep.equal([0, ''])
      const parsed = events.map((event) => ({
        ...event,
        data: JSON.parse(event.data),
        metadata: JSON.parse(event.metadata),
      }))
      expect(jsonLines(out)).to.deep.equal(parsed)
    })

    it('shows all before a damaged event, and then what is wrong', async () => {
      const file = await newBank()
      tamper(file, spoil('position = 5'))
      const { code, out, err } = reenact(['log', file, '--json'])
      expect(code).to.equal(1)
      expect(jsonLines(out).map(({ position }) => position)).to.deep.equal([1, 2, 3, 4])
      expect(err).to.include('does not match its checksum')
    })

    it('--stream, --type, --after and --limit choose', async () => {
      const file = await newBank()
      const places = (...args: string[]): string[] =>
        jsonLines(reenact(['log', file, '--json', ...args]).out).map(
          ({ stream, revision }) => `${stream}@${revision}`,
        )
      expect(places('--stream', 'account-bob', '--after', '1')).to.deep.equal([
        'account-bob@2',
        'account-bob@3',
      ])
      expect(places('--type', 'Opened', '--after', '1')).to.deep.equal([
        'account-bob@0',
        'account-cleo@0',
      ])
      expect(places('--type', 'Opened', '--type', 'Deposited', '--limit', '4')).to.have.length(4)
      expect(places('--stream', 'account-ann', '--type', 'Opened')).to.deep.equal(['account-ann@0'])
      expect(places('--after', '12')).to.deep.equal([])
      expect(reenact(['log', file, '--after', '12']).err).to.equal('There is no such event.\n')
      const unknown = reenact(['log', file, '--stream', 'account-dan'])
      expect(unknown.code).to.equal(1)
      expect(unknown.err).to.match(/^There is no stream 'account-dan' in /)
    })

    it('a table has aligned columns, and says how to see more', async () => {
      const { out, err } = reenact(['log', await newBank(), '--limit', '2'])
      const [head = '', ...rows] = out.trimEnd().split('\n')
      expect(head).to.match(/^position +time +stream +revision +type +data$/)
      expect(rows).to.have.length(2)
      for (const row of rows) {
        expect(row.slice(head.indexOf('data'))).to.match(/^\{"owner":"\w+"\}$/)
        expect(row.slice(head.indexOf('type')), row).to.match(/^Opened /)
      }
      expect(err).to.equal('Stopped after 2 events. For more: --after 2, or --limit\n')
    })

    it('foreign data keep their digits and cannot steer the terminal', async () => {
      const file = freshFile(directory)
      const store = await openSqliteStore(file)
      const beep = { type: 'Beep', data: '{"n":12345678901234567890}', metadata: '\u001b[2J\n' }
      const id = '6a1b6bd5-8f5e-4a0c-9d2e-0a4c1f7f0b11'
      await store.append('foreign-1', [{ ...beep, id, data: '\u009b31m {' }], { expected: 'any' })
      await store.append('foreign-1', [{ ...beep, id: id.replace('6', '7') }], { expected: 'any' })
      await store.close()
      const { out } = reenact(['log', file])
      expect(out).to.include('\\u009b31m {')
      expect(out).not.to.include('\u009b')
      const [first, second] = reenact(['log', file, '--json']).out.split('\n')
      expect(JSON.parse(first ?? '')).to.include({ data: '\u009b31m {', metadata: '\u001b[2J\n' })
      expect(second).to.include('"data":{"n":12345678901234567890},')
    })

    it('a reader that goes away early is no error', async () => {
      const { status, stdout, stderr } = spawnSync(
        'sh',
        ['-c', `"${process.execPath}" "${bin}" log "${await newBank()}" --json | head -n 1`],
        { encoding: 'utf8' },
      )
      expect([status, stderr]).to.deep.equal([0, ''])
      expect(jsonLines(stdout)).to.have.length(1)
    })
  })

  describe('streams', () => {
    it('lists the streams of a category with their ends', async () => {
      const file = await newBank()
      const { code, out } = reenact(['streams', file, '--category', 'account'])
      expect(code).to.equal(0)
      const rows = out.trimEnd().split('\n').slice(1)
      expect(rows.map((row) => row.split(/ {2,}/)[0])).to.deep.equal([
        'account-ann',
        'account-bob',
        'account-cleo',
      ])
      for (const row of rows) expect(row).to.match(/ 3 {2}\S+Z {2}Deposited$/)
      const json = jsonLines(reenact(['streams', file, '--category', 'account', '--json']).out)
      expect(json[0]).to.include({ stream: 'account-ann', revision: 3, type: 'Deposited' })
    })

    it('without a category says which there are', async () => {
      const file = await newBank()
      const { code, out, err } = reenact(['streams', file])
      expect([code, err]).to.deep.equal([0, 'The streams of one: --category account\n'])
      expect(out).to.match(/^category {2,}events\naccount {2,}12\n$/)
      expect(jsonLines(reenact(['streams', file, '--json']).out)).to.deep.equal([
        { category: 'account', events: 12 },
      ])
      expect(reenact(['verify', 'esdb://localhost:1']).err).to.include('is for store files')
    })

    it('an unknown category has none; a damaged stream is shown as such', async () => {
      const file = await newBank()
      expect(reenact(['streams', file, '--category', 'order'])).to.deep.equal({
        code: 0,
        out: '',
        err: "There is no stream of 'order'.\n",
      })
      tamper(file, spoil('position = 11'))
      const { code, out } = reenact(['streams', file, '--category', 'account'])
      expect(code).to.equal(1)
      expect(out).to.match(/^account-bob .*does not match its checksum/m)
      expect(out).to.match(/^account-cleo .*Deposited$/m)
    })
  })

  it('log and streams read EventStoreDB as they read a file', async () => {
    const file = await newBank()
    const server = await startServer({ store: `file:${file}`, port: 0 })
    try {
      const run = async (...args: string[]) =>
        (await promisify(execFile)(process.execPath, [bin, ...args, '--json'])).stdout
      const address = server.connectionString
      const streams = jsonLines(await run('streams', address, '--category', 'account'))
      expect(streams.map(({ stream }) => stream)).to.deep.equal(names.map((n) => `account-${n}`))
      const events = jsonLines(await run('log', address, '--stream', 'account-ann'))
      const own = jsonLines(reenact(['log', file, '--json', '--stream', 'account-ann']).out)
      const content = (all: typeof events) =>
        all.map(({ id, revision, type, data }) => ({ id, revision, type, data }))
      expect(content(events)).to.deep.equal(content(own))
      expect(events).to.have.length(4)
    } finally {
      await server.close()
    }
  })

  describe('backup', () => {
    it('copies beside a writer; the copy verifies; nothing is overwritten', async () => {
      const file = await newBank()
      const copy = `${file}.copy`
      const runtime = await createRuntime({ store: `file:${file}`, actors: [Account] })
      await runtime.actor(Account, 'ann').send({ type: 'deposit', amount: 9 })
      const first = reenact(['backup', file, copy])
      await runtime.close()
      expect(first.code, first.err).to.equal(0)
      expect(first.out).to.match(/is a complete copy of [\d,]+ bytes\.\n$/)
      expect(reenact(['verify', copy]).out).to.include('sound. 13 events in 3 streams read.')
      const again = reenact(['backup', file, copy])
      expect(again.code).to.equal(1)
      expect(again.err).to.include('exists already')
      expect(again.err).not.to.include('Copying')
    })

    it('a damaged store has no good copy', async () => {
      const file = await newBank()
      tamper(file, spoil('position = 5'))
      const { code, err } = reenact(['backup', file, `${file}.copy`])
      expect(code).to.equal(1)
      expect(err).to.include("Event 1 of 'account-bob' does not match its checksum")
      expect(reenact(['verify', `${file}.copy`]).err).to.match(/^There is no store/)
    })
  })
})
