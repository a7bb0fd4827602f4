// The list of read models: for each projection its versions, and which of them is live.

import type { Clock } from '../runtime/core/clock.ts'
import { ReenactError } from '../runtime/core/errors.ts'
import { type Connection, type Engine, type SqlResult, statement } from './engine.ts'
import { createLedger } from './ledger.ts'
import type { AnyProjection } from './projection.ts'
import { otherPartitions } from './refusals.ts'

/** One build of a read model. */
export interface Build {
  /** Name of the projection. */
  readonly projection: string
  /** Counts from 1 for each projection. */
  readonly id: number
  /** Version of the projection it was made by. */
  readonly version: number
  /** Fingerprint of the projection it was made by. */
  readonly fingerprint: string
  /** Readers see the live one. `building` becomes live when it has caught up; `old` is kept until dropped. */
  readonly state: 'building' | 'live' | 'old'
  /** Events after this position are live for it; `undefined` until it first caught up. */
  readonly liveFrom: number | undefined
  /**
   * Where the partitions of the live build before it stood at the swap, if those were others: what they handled is past for this
   * one, though its own partitions come to it only now.
   */
  readonly former: readonly number[]
  /** ms since the epoch. */
  readonly createdAt: number
}

/** Where a build lies: the name of its file or schema. */
export const placeOf = ({ projection, id }: Pick<Build, 'projection' | 'id'>): string =>
  `${projection}_${id}`

const columns = 'projection, id, version, fingerprint, state, live_from, created_at'

export class Catalog {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #connection: Connection
  #last: Promise<unknown> = Promise.resolve()

  private constructor(engine: Engine, clock: Clock, connection: Connection) {
    this.#engine = engine
    this.#clock = clock
    this.#connection = connection
  }

  static async open(engine: Engine, clock: Clock): Promise<Catalog> {
    const catalog = new Catalog(engine, clock, await engine.catalog())
    await catalog.#change(() =>
      catalog.#run(
        `CREATE TABLE IF NOT EXISTS builds (projection TEXT NOT NULL, id INTEGER NOT NULL, version BIGINT NOT NULL,
           fingerprint TEXT NOT NULL, state TEXT NOT NULL, live_from BIGINT, created_at BIGINT NOT NULL,
           PRIMARY KEY (projection, id))`,
      ),
    )
    await catalog.#change(() =>
      catalog.#run(
        `CREATE TABLE IF NOT EXISTS turn_requests (projection TEXT NOT NULL, id INTEGER NOT NULL, part INTEGER NOT NULL,
           PRIMARY KEY (projection, id, part))`,
      ),
    )
    await catalog.#change(() =>
      catalog.#run(
        `CREATE TABLE IF NOT EXISTS former_partitions (projection TEXT NOT NULL, id INTEGER NOT NULL, part INTEGER NOT NULL,
           position BIGINT NOT NULL, PRIMARY KEY (projection, id, part))`,
      ),
    )
    return catalog
  }

  /** The builds of a projection, the oldest first. */
  async builds(projection: string): Promise<readonly Build[]> {
    return this.#alone(() => this.#buildsInside(projection))
  }

  async live(projection: string): Promise<Build | undefined> {
    return (await this.builds(projection)).find(({ state }) => state === 'live')
  }

  async get(projection: string, id: number): Promise<Build | undefined> {
    return (await this.builds(projection)).find((build) => build.id === id)
  }

  /** The live build; the first one is live from the beginning, since there is no other to be read. */
  async liveOrFirst(projection: AnyProjection): Promise<Build> {
    return this.#change(async () => {
      const builds = await this.#buildsInside(projection.name)
      return builds.find(({ state }) => state === 'live') ?? this.#add(projection, builds, 'live')
    })
  }

  /** A build of this very version to be made live later. One that was begun is gone on with. */
  async candidate(projection: AnyProjection): Promise<Build> {
    return this.#change(async () => {
      const builds = await this.#buildsInside(projection.name)
      const begun = builds.find(
        (build) =>
          build.state === 'building' &&
          build.version === projection.version &&
          build.fingerprint === projection.fingerprint,
      )
      return begun ?? this.#add(projection, builds, 'building')
    })
  }

  /** Makes a build the live one, and the one that was live an old one, at once. */
  async promote({ projection, id }: Build): Promise<void> {
    await this.#change(async () => {
      await this.#run("UPDATE builds SET state = 'old' WHERE projection = ? AND state = 'live'", [
        projection,
      ])
      await this.#run("UPDATE builds SET state = 'live' WHERE projection = ? AND id = ?", [
        projection,
        id,
      ])
    })
  }

  /** Events after this position are live for a build, and after those of the former partitions. */
  async setLiveFrom(
    { projection, id }: Build,
    position: number,
    former: readonly number[],
  ): Promise<void> {
    const sql = 'UPDATE builds SET live_from = ? WHERE projection = ? AND id = ?'
    await this.#change(async () => {
      await this.#run(sql, [position, projection, id])
      await this.#run('DELETE FROM former_partitions WHERE projection = ? AND id = ?', [
        projection,
        id,
      ])
      for (const [part, end] of former.entries()) {
        await this.#run('INSERT INTO former_partitions VALUES (?, ?, ?, ?)', [
          projection,
          id,
          part,
          end,
        ])
      }
    })
  }

  /** Remembers where the past ends for a build, once. Answers what was remembered. */
  async caughtUp({ projection, id }: Build, position: number): Promise<number> {
    return this.#change(async () => {
      const sql =
        'UPDATE builds SET live_from = ? WHERE projection = ? AND id = ? AND live_from IS NULL'
      await this.#run(sql, [position, projection, id])
      const builds = await this.#buildsInside(projection)
      return builds.find((build) => build.id === id)?.liveFrom ?? position
    })
  }

  /** Takes the live build, whose partitions stand there, as one of these handlers. */
  async adopt(projection: AnyProjection, live: readonly number[] | undefined): Promise<void> {
    const { name, version, fingerprint, partitions } = projection
    if (live && live.length !== partitions) throw otherPartitions(projection, live.length)
    const sql =
      "UPDATE builds SET version = ?, fingerprint = ? WHERE projection = ? AND state = 'live'"
    await this.#change(() => this.#run(sql, [version, fingerprint, name]))
  }

  async drop(build: Build): Promise<void> {
    await this.#change(async () => {
      for (const table of ['builds', 'turn_requests', 'former_partitions']) {
        const sql = `DELETE FROM ${table} WHERE projection = ? AND id = ?`
        await this.#run(sql, [build.projection, build.id])
      }
    })
    await this.#engine.drop(placeOf(build))
  }

  /** Removes all builds but the live one and one more. */
  async dropDead(projection: string, kept: number | undefined): Promise<number> {
    const builds = await this.builds(projection)
    const dead = builds.filter(({ id, state }) => state !== 'live' && id !== kept)
    for (const build of dead) await this.drop(build)
    return dead.length
  }

  /** Asks whoever writes this part of a build to leave its turn for a moment. */
  async askForTurn({ projection, id }: Build, part: number): Promise<void> {
    const sql = 'INSERT INTO turn_requests VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
    await this.#change(() => this.#run(sql, [projection, id, part]))
  }

  /** What others decided about a build. It is told once that the turn is asked for. */
  async lookAt(
    { projection, id }: Build,
    part: number,
  ): Promise<{ readonly state: Build['state'] | undefined; readonly isAskedFor: boolean }> {
    const build = await this.get(projection, id)
    const asked = 'SELECT 1 FROM turn_requests WHERE projection = ? AND id = ? AND part = ?'
    const { rows } = await this.#alone(() => this.#run(asked, [projection, id, part]))
    if (rows.length > 0) {
      const answered = 'DELETE FROM turn_requests WHERE projection = ? AND id = ? AND part = ?'
      await this.#change(() => this.#run(answered, [projection, id, part]))
    }
    return { state: build?.state, isAskedFor: rows.length > 0 }
  }

  async #add(
    projection: AnyProjection,
    builds: readonly Build[],
    state: 'building' | 'live',
  ): Promise<Build> {
    const build: Build = {
      projection: projection.name,
      id: (builds.at(-1)?.id ?? 0) + 1,
      version: projection.version,
      fingerprint: projection.fingerprint,
      state,
      liveFrom: undefined,
      former: [],
      createdAt: this.#clock.now(),
    }
    // The tables first: what the list names is there.
    await createPlace(this.#engine, placeOf(build), projection)
    await this.#run(`INSERT INTO builds (${columns}) VALUES (?, ?, ?, ?, ?, NULL, ?)`, [
      build.projection,
      build.id,
      build.version,
      build.fingerprint,
      build.state,
      build.createdAt,
    ])
    return build
  }

  async #buildsInside(projection: string): Promise<readonly Build[]> {
    const sql = `SELECT ${columns} FROM builds WHERE projection = ? ORDER BY id`
    const { rows } = await this.#run(sql, [projection])
    const formerSql =
      'SELECT id, position FROM former_partitions WHERE projection = ? ORDER BY id, part'
    const { rows: former } = await this.#run(formerSql, [projection])
    return rows.map((row) => buildOf(row, former))
  }

  async #run(sql: string, parameters: readonly unknown[] = []): Promise<SqlResult> {
    return this.#connection.execute(statement(this.#engine.dialect, sql), parameters)
  }

  #change<Result>(body: () => Promise<Result>): Promise<Result> {
    return this.#alone(() => this.#connection.transaction(body))
  }

  // One connection: what runs beside a transaction would run inside it.
  #alone<Result>(body: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(body)
    this.#last = result.catch(() => {})
    return result
  }
}

/** Makes an empty place with all tables of a projection. */
export async function createPlace(
  engine: Engine,
  place: string,
  projection: AnyProjection,
): Promise<void> {
  await engine.create(place)
  const writer = await engine.openWriter(place, 0)
  if (!writer) {
    throw new ReenactError(
      'StoreLocked',
      `The new read model '${place}' in ${engine.name} is held by another process. End it, then try again.`,
      { file: place },
    )
  }
  try {
    await writer.transaction(async () => {
      await createLedger(writer, projection.partitions)
      await projection.view.create(writer)
    })
  } finally {
    await writer.close()
  }
}

const buildOf = (row: SqlResult['rows'][number], former: SqlResult['rows']): Build => ({
  projection: String(row['projection']),
  id: Number(row['id']),
  version: Number(row['version']),
  fingerprint: String(row['fingerprint']),
  state: row['state'] as Build['state'],
  liveFrom: row['live_from'] === null ? undefined : Number(row['live_from']),
  former: former.filter(({ id }) => id === row['id']).map(({ position }) => Number(position)),
  createdAt: Number(row['created_at']),
})
