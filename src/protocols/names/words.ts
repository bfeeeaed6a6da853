// Is a piece of a key or a path a word that a programmer wrote into the code, or data (an id, a token, a person)?
// Only words may become part of an operation's name. Told by its letters: data has digits, odd pairs of letters, or no
// order of upper and lower case. When in doubt it is data.

/** For each letter a … z those that follow it within English words and the words of programs (5,800 words counted, and some that a count of words misses). */
const pairs = (
  'bcdfgiklmnprstuvwxyz abcdeijlmorstuy acdehiklmoprstuy abcdefgijlmnorstuvwy abcdefghijklmnopqrstuvwxyz ' +
  'acefilorstuy aeghilmnoprstuyz aeilmnorstuy abcdefgklmnopqrstvxz aeosu adegilnostuwy abcdefgijklmnoprstuvwy ' +
  'abdeiklmopstuy abcdefghijklmnoprstuvwy abcdefgijklmnoprstuvwxyz acdeghiklmoprstuwy su abcdefgiklmnoprstuvwy ' +
  'acdefhiklmnopqrstuwy abcdefghilmoprstuwy abcdefgiklmnoprstxy aeioy adehiklnorst aceimptxy abcdefgilmnoprstw ' +
  'aeiloyz'
).split(' ');

/** A bit for each letter that may follow. */
const follows = Int32Array.from(pairs, (letters) => {
  let bits = 0;
  for (let i = 0; i < letters.length; i++) bits |= 1 << (letters.charCodeAt(i) - 97);
  return bits;
});

/** Names with digits or without vowels that programs use. */
const known = new Set(
  (
    'b2b b2c base64 cdn css csv db dns e2e ec2 fcm ffmpeg ftp gcp gql graphql grpc h264 hls html http http2 https i18n id ids ' +
    'ipv4 ipv6 jpg js json jsonp jwks jwt k8s kb kv l10n ldap llm md5 mfa mp3 mp4 mqtt ms mysql nft npm oauth oauth2 ' +
    'oidc otp p2p pdf php pkg png psql qr rest rpc rss s3 saml sdk sha1 sha256 sms smtp sql src sse ssl sso svg sync ' +
    'tcp tls totp ts ttl tx txt udp uri url urls utf8 vpc vpn web3 webhook webhooks ws wsdl wss x509 xhr xml xsl yml zip'
  ).split(' '),
);

const longest = 24;

/** True when text[from, to) is a word, a known name, or words in camelCase. Other characters than letters end it. */
export function isWord(text: string, from: number, to: number): boolean {
  const length = to - from;
  if (length === 0 || length > longest) return false;
  let start = from;
  let pieces = 0;
  let odd = 0;
  let hex = true;
  let before = -1;
  let vowel = false;
  let wasUpper = false;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    const letter = (code | 32) - 97;
    if (letter < 0 || letter > 25) return isKnown(text, from, to);
    const upper = code < 97;
    if (letter > 5) hex = false;
    // A border of camelCase: aB, or the last capital of ABc.
    if (upper && !wasUpper && i > start) {
      if (!pieceHolds(i - start, vowel)) return isKnown(text, from, to);
      pieces++;
      start = i;
      before = -1;
      vowel = false;
    } else if (!upper && wasUpper && i - start > 1) {
      pieces++;
      start = i - 1;
    }
    wasUpper = upper;
    if (letter === 0 || letter === 4 || letter === 8 || letter === 14 || letter === 20 || letter === 24) vowel = true;
    if (before >= 0 && (((follows[before] as number) >> letter) & 1) === 0) odd++;
    before = letter;
  }
  pieces++;
  if (!pieceHolds(to - start, vowel) || odd > (length >= 7 ? 1 : length <= 3 ? 2 : 0)) return isKnown(text, from, to);
  // camelCase has few borders; random letters have many.
  if (pieces > 1 && length * 2 < pieces * 5) return isKnown(text, from, to);
  return !(hex && length >= 8);
}

const pieceHolds = (length: number, vowel: boolean): boolean => vowel || length <= 3;

/** v1, v12; or one of the known names. */
function isKnown(text: string, from: number, to: number): boolean {
  if (to - from > 8) return false;
  const word = text.slice(from, to).toLowerCase();
  return /^v\d{1,2}$/.test(word) || known.has(word);
}
