// What is durable of a group: its definition, how far it is, and how often what is open was tried.

import { ReenactError } from '../../core/errors.ts'
import type { GroupDefinition, GroupKey, GroupSettings } from '../../ports/consumer-groups.ts'
import type { StateStore } from '../../ports/state-store.ts'
import { invalidOption, isStorable, nameProblem } from '../append-rules.ts'

/** A group as it is stored. */
export interface StoredGroup extends GroupKey {
  readonly filter?: GroupDefinition['filter']
  readonly settings: GroupSettings
  readonly annotations: Readonly<Record<string, string | number | boolean | null>>
  /** Where it began. */
  readonly start: number
  /** Everything up to here is done. */
  readonly checkpoint: number
  /** Retries so far of what is open beyond the checkpoint, by place. */
  readonly retries: Readonly<Record<string, number>>
}

const defaults: GroupSettings = {
  strategy: 'RoundRobin',
  retriesMax: 10,
  messageTimeoutMs: 30_000,
  checkpointAfterMs: 2_000,
  checkpointMin: 1,
  checkpointMax: 1_000,
  bufferMax: 1_024,
  readMax: 256,
  consumersMax: 1_000,
}

const strategies = ['RoundRobin', 'DispatchToSingle', 'Pinned', 'PinnedByCorrelation']
const mayBeInfinite: ReadonlySet<string> = new Set(['retriesMax', 'messageTimeoutMs'])

/** Completes and checks settings. Throws `InvalidOption`. */
export function readSettings(
  given: Partial<GroupSettings> = {},
  before: GroupSettings = defaults,
): GroupSettings {
  const settings: Record<string, unknown> = { ...before }
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!(option in defaults)) {
      throw invalidOption(option, 'it is no setting', `Use ${Object.keys(defaults).join(', ')}`)
    }
    if (option === 'strategy') {
      if (!strategies.includes(String(value))) {
        throw invalidOption(option, `'${value}' is none`, `Use ${strategies.join(', ')}`)
      }
    } else if (!(mayBeInfinite.has(option) && value === Number.POSITIVE_INFINITY)) {
      const least = option === 'retriesMax' ? 0 : 1
      if (!Number.isSafeInteger(value) || Number(value) < least) {
        throw invalidOption(option, `${value} is out of range`, `Give a whole number from ${least}`)
      }
    }
    settings[option] = value
  }
  return settings as unknown as GroupSettings
}

/** The parked stream of a group, named as EventStoreDB names it. */
export const parkedStreamOf = ({ name, stream }: GroupKey): string =>
  `$persistentsubscription-${stream ?? '$all'}::${name}-parked`

/** Whether a stream belongs to some group's machinery. Groups over the log pass it over. */
export const isGroupStream = (stream: string): boolean =>
  stream.startsWith('$persistentsubscription-')

const prefix = 'group:'
const prefixOf = (stream: string | undefined): string =>
  `${prefix}${stream === undefined ? '$all' : encodeURIComponent(stream)}::`

/** Where a group lies in the state store. Throws `InvalidName`. */
export function stateKeyOf(key: GroupKey): string {
  const { name, stream } = key
  const fix = "Give a non-empty name without '::', short enough for a stream name"
  const usable = typeof name === 'string' && name !== '' && !name.includes('::') && isStorable(name)
  if (!usable) {
    throw new ReenactError('InvalidName', `'${name}' cannot name a group. ${fix}.`, {
      name: String(name),
      fix,
    })
  }
  const problem = nameProblem(stream ?? '$all') ?? nameProblem(parkedStreamOf(key))
  if (problem) throw problem
  return `${prefixOf(stream)}${name}`
}

/** The state keys of all groups, or of those of one stream. */
export const groupKeys = (state: StateStore, stream?: string): Promise<readonly string[]> =>
  state.keys(stream === undefined ? prefix : prefixOf(stream))

// JSON has no Infinity.
const toText = (stored: StoredGroup): string =>
  JSON.stringify(stored, (_, value: unknown) =>
    value === Number.POSITIVE_INFINITY ? 'Infinity' : value,
  )

function fromText(text: string): StoredGroup {
  const stored = JSON.parse(text) as StoredGroup
  const settings: Record<string, unknown> = { ...defaults, ...stored.settings }
  for (const option of mayBeInfinite) {
    if (settings[option] === 'Infinity') settings[option] = Number.POSITIVE_INFINITY
  }
  return { ...stored, settings: settings as unknown as GroupSettings }
}

/** One group's entry in the state store. Another owner of the same entry is noticed. */
export class GroupRecord {
  readonly #state: StateStore
  readonly #key: string
  #revision: number
  #stored: StoredGroup

  private constructor(state: StateStore, key: string, revision: number, stored: StoredGroup) {
    this.#state = state
    this.#key = key
    this.#revision = revision
    this.#stored = stored
  }

  get stored(): StoredGroup {
    return this.#stored
  }

  /** Writes a new group, or answers `undefined` where there is one. */
  static async create(state: StateStore, stored: StoredGroup): Promise<GroupRecord | undefined> {
    const key = stateKeyOf(stored)
    const revision = await state.put(key, toText(stored), -1)
    return revision === undefined ? undefined : new GroupRecord(state, key, revision, stored)
  }

  /** The group, if there is one. */
  static async load(state: StateStore, key: string): Promise<GroupRecord | undefined> {
    const entry = await state.get(key)
    return entry && new GroupRecord(state, key, entry.revision, fromText(entry.value))
  }

  /** Writes a change. One at a time. */
  async save(change: Partial<StoredGroup>): Promise<void> {
    const stored = { ...this.#stored, ...change }
    const revision = await this.#state.put(this.#key, toText(stored), this.#revision)
    if (revision === undefined) {
      throw new ReenactError(
        'GroupNotFound',
        `Group '${stored.name}' was deleted, or another owner of this store took it over. Join it again.`,
        { group: stored.name, source: stored.stream ?? '$all' },
      )
    }
    this.#revision = revision
    this.#stored = stored
  }

  /** Forgets it. */
  delete(): Promise<void> {
    return this.#state.delete(this.#key)
  }
}
