// What workers do to take part in a consumer group for as long as they run.

import { isReenactError, messageOf } from '../runtime/core/errors.ts'
import type { ConsumerGroups, GroupDefinition } from '../runtime/ports/consumer-groups.ts'

/** Makes the group unless there is one. */
export async function ensureGroup(
  groups: ConsumerGroups,
  definition: GroupDefinition,
): Promise<void> {
  try {
    await groups.create(definition)
  } catch (error) {
    if (!isReenactError(error, 'GroupExists')) throw error
  }
}

/** Says why a group was left; it is joined again. */
export function warnLeft({ name }: GroupDefinition, error: unknown): void {
  process.emitWarning(`Group '${name}': ${messageOf(error)} It is joined again.`, {
    code: 'REENACT_WORKER',
  })
}

/** Says why the commands of an actor were put down; their delivery comes again. */
export function warnAgain(commands: string, error: unknown): void {
  process.emitWarning(`${commands}: ${messageOf(error)} It is delivered again.`, {
    code: 'REENACT_WORKER',
  })
}
