// A server that is killed and started again under load: what was acknowledged is there, once, in order.

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { EventStore, EventToAppend } from '../../runtime/ports/event-store.ts'
import { openEventStoreDb } from '../../runtime/stores/eventstoredb/eventstoredb-store.ts'
import { serverProcess } from '../server/support/server-process.ts'

const streams = 8
const appendsEach = 40
const kills = 2

const eventOf = (n: number): EventToAppend => ({
  id: randomUUID(),
  type: 'Happened',
  data: JSON.stringify({ n }),
  metadata: '{}',
})

describe('journey: the server of an EventStoreDB store is killed', function () {
  this.timeout(60_000)

  it('loses and doubles nothing, neither for writers nor for subscribers', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'reenact-esdb-kill-'))
    const address = `file:${join(directory, 'log.db')}`
    let server = serverProcess()
    const connectionString = await server.start(address)
    const port = Number(/:(\d+)\?/.exec(connectionString)?.[1])
    const store = await openEventStoreDb(connectionString, { timeoutMs: 15_000 })
    const written = new Map<string, string[]>()
    let done = 0

    const write = async (stream: string): Promise<void> => {
      const ids: string[] = []
      written.set(stream, ids)
      for (let n = 0; n < appendsEach; n += 1) {
        const event = eventOf(n)
        await insist(store, stream, event, n - 1)
        ids.push(event.id)
        done += 1
      }
    }
    const seen: string[] = []
    const subscribed = (async () => {
      for await (const message of store.subscribe()) {
        if (message.kind === 'events') seen.push(...message.events.map(({ id }) => id))
        if (seen.length >= streams * appendsEach) return
      }
    })()
    const killing = (async () => {
      for (let kill = 1; kill <= kills; kill += 1) {
        const due = (kill * streams * appendsEach) / (kills + 1)
        while (done < due) await new Promise((resolve) => setTimeout(resolve, 1))
        await server.kill()
        server = serverProcess()
        await server.start(address, port)
      }
    })()
    await Promise.all([
      killing,
      ...Array.from({ length: streams }, (_, n) => write(`account-${n}`)),
    ])
    await subscribed

    for (const [stream, ids] of written) {
      const page = await store.readStream(stream)
      expect(
        page.events.map(({ id }) => id),
        stream,
      ).to.deep.equal(ids)
    }
    expect(seen.length).to.equal(new Set(seen).size)
    expect(seen.toSorted()).to.deep.equal([...written.values()].flat().toSorted())
    await store.close()
    await server.kill()
    rmSync(directory, { recursive: true })
  })
})

/** The identical request until its outcome is definite, as an actor sends it. */
async function insist(
  store: EventStore,
  stream: string,
  event: EventToAppend,
  last: number,
): Promise<void> {
  for (;;) {
    const expected = last === -1 ? 'none' : last
    const { outcome } = await store.append(stream, [event], { expected })
    if (outcome === 'committed') return
    if (outcome !== 'unknown') expect.fail(`${stream}: ${outcome}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
