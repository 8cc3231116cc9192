/** What a terminal may be given. */

/** Names are somebody else's: what would steer the terminal is shown, not sent. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it looks for
  return text.replace(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/g, (steering) => {
    return `\\x${steering.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
