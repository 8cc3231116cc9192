/**
 * Names of files for keys. Most keys are paths as they stand. The others (`..`, `a//b`, a name of more than 255 bytes, …) have
 * names in base32hex (RFC 4648, section 7, in lower case, without padding), which sorts as the bytes do.
 */

/** The folder that is not the user's, in the root. */
export const ownFolder = '.ipfs-kit'

const nameBytes = 255
const letters = '0123456789abcdefghijklmnopqrstuv'
/** Letters of a name: those of 150 bytes. Folders of longer ones end with {@link goesOn}, so that no file has their name. */
const lettersOfName = 240
const goesOn = '+'

/** What Windows takes for devices, and does not take in names. */
const windowsDevice = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i
const windowsForbidden = /[<>:"|?*\\\p{Cc}]|[. ]$/u

/** Whether a key is the path of a file in a folder, on a system like this one. */
export function isPath(key: string, platform: NodeJS.Platform = process.platform): boolean {
  const names = key.split('/')
  if (names[0]!.toLowerCase() === ownFolder) return false
  return names.every((name) => isName(name, platform))
}

function isName(name: string, platform: NodeJS.Platform): boolean {
  if (name === '' || name === '.' || name === '..') return false
  if (name.length * 3 > nameBytes && Buffer.byteLength(name) > nameBytes) return false
  return platform !== 'win32' || !(windowsDevice.test(name) || windowsForbidden.test(name))
}

/** The path of a key whose names are encoded. */
export function encodedPath(key: string): string {
  const text = base32(Buffer.from(key))
  const names: string[] = []
  for (let at = 0; at < text.length; at += lettersOfName) names.push(text.slice(at, at + lettersOfName))
  return names.join(`${goesOn}/`)
}

/** The letters of a folder of encoded names; undefined if it is none. */
export function lettersOfFolder(name: string): string | undefined {
  const isOurs = name.length === lettersOfName + 1 && name.endsWith(goesOn)
  return isOurs ? name.slice(0, -1) : undefined
}

/** The key of letters; undefined if they are not those of any. */
export function keyOfLetters(text: string): string | undefined {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (const letter of text) {
    held = ((held << 5) | letters.indexOf(letter)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >>> bits
  }
  const key = bytes.toString()
  // Other letters, bits that are left over and bytes that are no UTF-8 all give other text.
  return base32(Buffer.from(key)) === text ? key : undefined
}

function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += letters[(held >>> (bits - 5)) & 31]
  }
  return bits === 0 ? text : text + letters[(held << (5 - bits)) & 31]
}
