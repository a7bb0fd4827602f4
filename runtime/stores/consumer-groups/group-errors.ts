// Why something cannot be done with a group.

import { ReenactError } from '../../core/errors.ts'
import type { GroupKey } from '../../ports/consumer-groups.ts'
import type { StoredGroup } from './group-record.ts'

const sourceOf = ({ stream }: GroupKey): string => stream ?? '$all'

export const groupNotFound = (key: GroupKey): ReenactError =>
  new ReenactError(
    'GroupNotFound',
    `There is no group '${key.name}' on ${sourceOf(key)}. Create it, or list the groups there are.`,
    { group: key.name, source: sourceOf(key) },
  )

export const groupExists = (key: GroupKey): ReenactError =>
  new ReenactError(
    'GroupExists',
    `Group '${key.name}' on ${sourceOf(key)} exists. Consume it, update it, or delete it first.`,
    { group: key.name, source: sourceOf(key) },
  )

export const tooManyConsumers = ({ name, settings: { consumersMax } }: StoredGroup): ReenactError =>
  new ReenactError(
    'Overloaded',
    `Group '${name}' has ${consumersMax} consumers already. Close one, or raise 'consumersMax'.`,
    { queue: `consumers of ${name}`, limit: consumersMax },
  )

/** The log lost its end, or is another one. */
export const checkpointAhead = (
  { name, stream }: GroupKey,
  checkpoint: number,
  head: number,
): ReenactError =>
  new ReenactError(
    'AheadOfLog',
    `Group '${name}' has handled ${stream ?? 'the log'} up to ${checkpoint}, which ends at ${head}. Restore the right log, or delete the group and create it again.`,
    { stream: stream ?? '$all', revision: checkpoint, head },
  )
