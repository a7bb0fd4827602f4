// `reenact serve`: starts, serves the unmodified client, stops when told, and says what is wrong.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { expect } from 'chai'
import { temporaryFolder } from '../../fixtures/temporary-folder.ts'
import { makeCertificate } from '../../server/support/certificate.ts'

const main = fileURLToPath(new URL('../../../dist/runtime/cli/main.js', import.meta.url))

describe('reenact serve', function () {
  this.timeout(60_000)
  const folder = temporaryFolder()
  const running: ChildProcess[] = []
  after(() => {
    for (const child of running) child.kill('SIGKILL')
  })

  const start = (...args: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, [main, 'serve', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.push(child)
    return child
  }
  const firstLine = async (input: Readable | null): Promise<string> => {
    if (!input) throw new Error('no output')
    const [line] = (await once(createInterface({ input }), 'line')) as [string]
    return line
  }
  const addressOf = (child: ChildProcess) => firstLine(child.stdout)
  const toldBy = (child: ChildProcess) => firstLine(child.stderr)
  const failure = async (...args: readonly string[]) => {
    const child = start(...args)
    let told = ''
    child.stderr?.on('data', (text) => {
      told += text
    })
    const [code] = (await once(child, 'close')) as [number]
    return { code, told }
  }
  const append = async (address: string): Promise<bigint> => {
    const client = EventStoreDBClient.connectionString(address)
    try {
      const event = jsonEvent({ type: 'Opened', data: { owner: 'Ann' } })
      return (await client.appendToStream('account-ann', event)).nextExpectedRevision
    } finally {
      await client.dispose()
    }
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`serves a file until ${signal}, and goes on where it was`, async () => {
      const store = `file:${join(folder, `${signal}.db`)}`
      for (const revision of [0n, 1n]) {
        const child = start('--store', store, '--port', '0')
        expect(await append(await addressOf(child))).to.equal(revision)
        const ended = once(child, 'exit')
        child.kill(signal)
        expect((await ended)[0]).to.equal(0)
      }
    })
  }
  it('serves a file beside where nothing is named, says which, and finds it again', async () => {
    const cwd = mkdtempSync(join(folder, 'beside-'))
    const server = new URL('../../../dist/runtime/server/index.js', import.meta.url).href
    const script = `const { startServer } = await import('${server}')
      console.log((await startServer({ port: 0 })).connectionString)`
    for (const [revision, args] of [
      [0n, [main, 'serve', '--port', '0']],
      [1n, ['--input-type=module', '-e', script]],
      [2n, [main, 'serve', '--port', '0']],
    ] as const) {
      const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
      running.push(child)
      const told = args[0] === main ? toldBy(child) : undefined
      expect(await append(await addressOf(child))).to.equal(revision)
      if (told !== undefined)
        expect(await told).to.match(/^Serving .*[/\\]reenact\.db, which stays\./)
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    expect(readdirSync(cwd)).to.include('reenact.db')
  })
  it('memory: says that it ends', async () => {
    const child = start('--store', 'memory:', '--port', '0')
    expect(await toldBy(child)).to.match(/^Serving memory:, which ends with this process\./)
    child.kill()
  })
  it('takes TLS and a user', async () => {
    const files = await makeCertificate()
    const child = start(
      '--store',
      'memory:',
      '--port',
      '0',
      '--tls',
      files.certificate,
      files.key,
      '--user',
      'ann:secret',
    )
    const { port } = new URL((await addressOf(child)).replace('esdb:', 'http:'))
    const options = `tlsCAFile=${encodeURIComponent(files.certificate)}`
    expect(await append(`esdb://ann:secret@127.0.0.1:${port}?${options}`)).to.equal(0n)
    child.kill()
    rmSync(files.folder, { recursive: true })
  })
  for (const [args, what] of [
    [['--host', '0.0.0.0'], /may be reached from other machines/],
    [['--user', 'ann:x'], /not encrypted/],
    [['--tls', 'missing.pem'], /it takes two files/],
    [['--tls', 'missing.pem', 'missing.key'], /ENOENT/],
    [['--store', 'postgres:'], /is not the address of a store/],
  ] as const) {
    it(`says what is wrong with ${args.join(' ')}`, async () => {
      const { code, told } = await failure('--store', 'memory:', '--port', '0', ...args)
      expect(code).to.equal(1)
      expect(told).to.match(what)
    })
  }
  it('does not understand a user without a password', async () => {
    const { code, told } = await failure('--user', 'ann')
    expect([code, /Give NAME:PASSWORD/.test(told)]).to.deep.equal([2, true])
  })
})
