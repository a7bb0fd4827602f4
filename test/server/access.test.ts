// TLS and users.

import { readFileSync, rmSync } from 'node:fs'
import { EventStoreDBClient } from '@eventstore/db-client'
import { expect } from 'chai'
import {
  type EventStoreServer,
  type ServerOptions,
  startServer,
} from '../../runtime/server/index.ts'
import { type CertificateFiles, makeCertificate } from './support/certificate.ts'
import { all, errorOf, happened, newStream } from './support/serving.ts'

describe('server: access', function () {
  this.timeout(20_000)
  let files: CertificateFiles
  let server: EventStoreServer
  const clients: EventStoreDBClient[] = []
  const connect = (who: string) => {
    const client = EventStoreDBClient.connectionString(
      `esdb://${who}127.0.0.1:${server.port}?tlsCAFile=${encodeURIComponent(files.certificate)}`,
    )
    clients.push(client)
    return client
  }
  before(async () => {
    files = await makeCertificate()
    const tls = { certificate: readFileSync(files.certificate), key: readFileSync(files.key) }
    server = await startServer({
      store: 'memory:',
      port: 0,
      tls,
      users: { ann: 'p:ss', bob: 'secret' },
    })
  })
  after(async () => {
    await Promise.all(clients.map((client) => client.dispose()))
    await server.close()
    rmSync(files.folder, { recursive: true })
  })

  for (const who of ['ann:p%3Ass@', 'bob:secret@']) {
    it(`lets ${who.split(':')[0]} in: append, read, subscribe, delete`, async () => {
      const client = connect(who)
      const stream = newStream()
      await client.appendToStream(stream, happened(2))
      expect((await all(client.readStream(stream))).length).to.equal(2)
      const subscription = client.subscribeToStream(stream)
      await new Promise((resolve) => subscription.once('data', resolve))
      await subscription.unsubscribe()
      await client.deleteStream(stream)
    })
  }
  for (const [how, who] of [
    ['a wrong password', 'ann:wrong@'],
    ['an unknown name', 'eve:secret@'],
    ['no name', ''],
  ] as const) {
    it(`keeps ${how} out of every method`, async () => {
      const client = connect(who)
      const stream = newStream()
      const credentials = { username: 'ann', password: 'wrong' }
      for (const attempt of [
        () => client.appendToStream(stream, happened(1)),
        () => client.appendToStream(stream, happened(1), { credentials }),
        () => all(client.readStream(stream)),
        () => all(client.readAll()),
        () => client.deleteStream(stream),
        () => client.tombstoneStream(stream),
        () => client.setStreamMetadata(stream, {}),
        () => new Promise((_, reject) => client.subscribeToAll().once('error', reject)),
      ]) {
        expect((await errorOf(attempt()))['type']).to.equal('access-denied')
      }
    })
  }
  it('credentials of one call come before those of the connection', async () => {
    const client = connect('ann:wrong@')
    const credentials = { username: 'bob', password: 'secret' }
    await client.appendToStream(newStream(), happened(1), { credentials })
  })
  it('a client without TLS cannot connect', async () => {
    const client = EventStoreDBClient.connectionString(
      `esdb://127.0.0.1:${server.port}?tls=false&defaultDeadline=500`,
    )
    clients.push(client)
    expect((await errorOf(all(client.readAll())))['type']).to.equal('unavailable')
  })
})

describe('server: options', () => {
  const refused = async (options: Partial<ServerOptions>, option: string) => {
    const error = await errorOf(startServer({ store: 'memory:', port: 0, ...options }))
    expect([error['code'], (error['details'] as { option: string }).option]).to.deep.equal([
      'InvalidOption',
      option,
    ])
  }
  const tls = { certificate: 'no', key: 'no' }
  it('a host that others reach needs TLS and users', () => refused({ host: '0.0.0.0' }, 'host'))
  it('TLS alone is not enough', () => refused({ host: '0.0.0.0', tls }, 'host'))
  it('users need TLS', () => refused({ users: { ann: 'x' } }, 'users'))
  it('nobody is no user', () => refused({ users: {}, tls }, 'users'))
  it('a port is a number', () => refused({ port: 70_000 }, 'port'))
  it('a certificate is PEM', () => refused({ tls }, 'tls'))
  it('a store has an address', () => refused({ store: 'postgres:' }, 'store'))
  it('a port that is taken is told', async () => {
    const server = await startServer({ store: 'memory:', port: 0 })
    await refused({ port: server.port }, 'port')
    await server.close()
  })
})
