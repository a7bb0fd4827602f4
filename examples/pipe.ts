// What is printed may have no reader any more.

/** `| head` closes the pipe early, which is no error of ours: there is nobody to go on for. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
}
