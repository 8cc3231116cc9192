/** Commands of Debian packages, which a test of a service cannot do without. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Refuses to go on without these commands.
 *
 * @param service - what needs them, for the message
 * @param commands - name of each command to the Debian package that has it
 * @throws Error that names the packages which are not installed
 */
export function needCommands(service: string, commands: Readonly<Record<string, string>>): void {
  const missing = Object.entries(commands).filter(([command]) => !isThere(command))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
  const names = missing.map(([command]) => command).join(', ')
  throw new Error(`${service} needs ${names}: apt-get install --no-install-recommends ${packages}`)
}

function isThere(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
