// TLS and users.

import { readFileSync, rmSync } from 'node:fs'
import {
  EventStoreDBClient,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults,
  SYSTEM_STREAM_ACL,
} from '@eventstore/db-client'
import { expect } from 'chai'
import {
  type EventStoreServer,
  type ServerOptions,
  startServer,
} from '../../runtime/server/index.ts'
import { type CertificateFiles, makeCertificate } from './support/certificate.ts'
import { all, errorOf, happened, newStream } from './support/serving.ts'

describe('server: access', function () {
  this.timeout(60_000)
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
      users: {
        ann: 'p:ss',
        bob: 'secret',
        eve: { password: 'x', groups: ['sales'] },
        olga: { password: 'x', groups: ['$ops'] },
      },
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

  describe('rights', () => {
    let ann: EventStoreDBClient
    let eve: EventStoreDBClient
    before(() => {
      ann = connect('ann:p%3Ass@')
      eve = connect('eve:x@')
    })
    const group = persistentSubscriptionToStreamSettingsFromDefaults()
    const failing = (stream: NodeJS.EventEmitter) =>
      new Promise((_, reject) => stream.once('error', reject))
    const denied = async (attempt: Promise<unknown>) => {
      expect((await errorOf(attempt))['type']).to.equal('access-denied')
    }
    /** What a right covers. */
    const uses: Readonly<Record<string, (stream: string) => readonly (() => Promise<unknown>)[]>> =
      {
        $r: (stream) => [
          () => all(eve.readStream(stream)),
          () => all(eve.readStream(stream, { direction: 'backwards', fromRevision: 'end' })),
          () => failing(eve.subscribeToStream(stream)),
          () => failing(eve.subscribeToPersistentSubscriptionToStream(stream, 'g')),
        ],
        $w: (stream) => [
          () => eve.appendToStream(stream, happened(1)),
          () =>
            eve.appendToStream(stream, happened(1), {
              credentials: { username: 'eve', password: 'x' },
            }),
        ],
        $d: (stream) => [() => eve.deleteStream(stream), () => eve.tombstoneStream(stream)],
        $mr: (stream) => [() => eve.getStreamMetadata(stream)],
        $mw: (stream) => [() => eve.setStreamMetadata(stream, {})],
      }
    const names = {
      $r: 'readRoles',
      $w: 'writeRoles',
      $d: 'deleteRoles',
      $mr: 'metaReadRoles',
      $mw: 'metaWriteRoles',
    } as const
    for (const [right, name] of Object.entries(names)) {
      it(`${right} of $acl: denied to who is not named, and nothing else is`, async () => {
        const stream = newStream()
        await ann.appendToStream(stream, happened(1))
        await ann.createPersistentSubscriptionToStream(stream, 'g', group)
        await ann.setStreamMetadata(stream, { acl: { [name]: ['$admins', 'others'] } })
        for (const use of uses[right]?.(stream) ?? []) await denied(use())
        if (right !== '$w') await eve.appendToStream(stream, happened(1))
        if (right !== '$r') expect((await all(eve.readStream(stream))).length).to.be.above(0)
        if (right !== '$mw') await eve.setStreamMetadata(stream, {})
      })
    }
    for (const [how, role] of [
      ['its name', 'eve'],
      ['one of its groups', 'sales'],
      ['everybody', '$all'],
    ] as const) {
      it(`a user is let in by ${how}`, async () => {
        const stream = newStream()
        // One role may stand without a list.
        const data = { $acl: { $r: role, $w: ['$admins', role] } }
        await ann.appendToStream(`$$${stream}`, jsonEvent({ type: '$metadata', data }))
        await eve.appendToStream(stream, happened(1))
        expect((await all(eve.readStream(stream))).length).to.equal(1)
      })
    }
    it('administrators are never denied', async () => {
      const stream = newStream()
      const acl = { readRoles: [], writeRoles: [], deleteRoles: [], metaWriteRoles: [] }
      await ann.setStreamMetadata(stream, { acl })
      await ann.appendToStream(stream, happened(1))
      expect((await all(ann.readStream(stream))).length).to.equal(1)
      await ann.setStreamMetadata(stream, {})
    })
    it('the log and streams of the system are for administrators, unless $acl says otherwise', async () => {
      const category = `kind${newStream('').replaceAll('-', '')}`
      await ann.appendToStream(`${category}-1`, happened(1))
      await denied(all(eve.readAll()))
      await denied(failing(eve.subscribeToAll()))
      await denied(all(eve.readStream(`$ce-${category}`)))
      await denied(eve.appendToStream(`$mine-${category}`, happened(1)))
      await ann.setStreamMetadata('$all', { acl: { readRoles: ['sales'] } })
      expect((await all(eve.readAll())).length).to.be.above(0)
    })
    it('defaults of streams without $acl stand in $settings', async () => {
      const defaults = (data: Record<string, { $w: string }>) =>
        ann.appendToStream('$settings', jsonEvent({ type: 'update-default-acl', data }))
      await defaults({ $userStreamAcl: { $w: '$admins' }, $systemStreamAcl: { $w: 'sales' } })
      const [stream, open] = [newStream(), newStream()]
      // The name of a default in place of a list.
      const data = { $acl: SYSTEM_STREAM_ACL }
      await ann.appendToStream(`$$${open}`, jsonEvent({ type: '$metadata', data }))
      try {
        await denied(eve.appendToStream(stream, happened(1)))
        await eve.appendToStream(open, happened(1))
        await denied(all(eve.readStream(open)))
      } finally {
        await defaults({})
      }
      await eve.appendToStream(stream, happened(1))
    })
    it('persistent subscriptions are managed by $ops and $admins, and seen by all users', async () => {
      const stream = newStream()
      const olga = connect('olga:x@')
      await denied(eve.createPersistentSubscriptionToStream(stream, 'g', group))
      await olga.createPersistentSubscriptionToStream(stream, 'g', group)
      await denied(eve.updatePersistentSubscriptionToStream(stream, 'g', group))
      await denied(eve.replayParkedMessagesToStream(stream, 'g'))
      await denied(eve.deletePersistentSubscriptionToStream(stream, 'g'))
      await denied(eve.restartPersistentSubscriptionSubsystem())
      expect((await eve.getPersistentSubscriptionToStreamInfo(stream, 'g')).groupName).to.equal('g')
      await olga.deletePersistentSubscriptionToStream(stream, 'g')
    })
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
  it('a user has a name and a password', async () => {
    await refused({ users: { ann: '' }, tls }, 'users')
    await refused({ users: { 'a:b': 'x' }, tls }, 'users')
    await refused({ users: { eve: { groups: [] } as never }, tls }, 'users')
  })
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
