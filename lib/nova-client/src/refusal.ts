/** Turns an answer that refuses into an error that says why, in the cloud's own words. */
import { isRecord } from './decode.ts';
import { NovaError, type NovaErrorCode } from './errors.ts';
import { parseRetryAfter } from './retry.ts';
import { hideSecrets, oneLine, tellable } from './secrets.ts';
import { type Answer, header, nameOf, pathOf } from './transport.ts';

/** Longest piece of the cloud's own text that a message carries. */
const longestText = 400;
/** As much of it is looked at: a page may be huge, and patterns are slow on what never ends. */
const longestPage = 8 * 1024;

/** The error for an answer with a status that is no success. */
export function refusal(answer: Answer, now: number): NovaError {
  const { exchange, status, requestId } = answer;
  const text = explanation(answer);
  const facts = [`HTTP ${status}`, ...(requestId === null ? [] : [requestId])].join(', ');
  const verb = status >= 500 ? 'failed' : 'refused';
  return new NovaError(
    codeOf(status, header(answer.headers, 'retry-after') !== null),
    `${exchange.service} ${verb} to ${exchange.purpose}${text === '' ? '' : `: ${text}`} (${facts})`,
    {
      status,
      requestId,
      method: exchange.method,
      path: pathOf(exchange.url),
      // A gateway that gave up waiting for Nova, or lost it, cannot know whether Nova went on.
      unanswered: exchange.changesState && (status === 502 || status === 504),
      retryAfterMs: parseRetryAfter(header(answer.headers, 'retry-after'), now),
    },
  );
}

function codeOf(status: number, hasRetryAfter: boolean): NovaErrorCode {
  if (status === 401) return 'authFailed';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'notFound';
  if (status === 409) return 'conflict';
  // Nova's rate limiter answered 413 before it answered 429.
  if (status === 429 || (status === 413 && hasRetryAfter)) return 'rateLimited';
  return status >= 500 ? 'serverError' : 'badRequest';
}

/**
 * The cloud's own words, on one line and bounded; `''` where it has none. A service may quote the request it refuses, so
 * that secrets are taken out first, and once more after what hid them (HTML's escapes) is undone.
 */
export function explanation(answer: Answer): string {
  if (answer.status >= 300 && answer.status < 400) {
    const location = header(answer.headers, 'location');
    const there = location !== null && URL.canParse(location) ? new URL(location).origin : 'elsewhere';
    return `${nameOf(answer.exchange)} redirects to ${there}; give that address`;
  }
  const text = oneLine(hideSecrets(fromJson(answer.text) ?? fromMarkup(answer.text)));
  return tellable(text.replace(/[.\s]+$/, ''), longestText);
}

/**
 * The shapes seen: Nova `{"badRequest": {"message"}}` with a key per kind of refusal, Keystone
 * `{"error": {"message"}}`, the middleware before Nova `{"message", "code", "title"}`, placement-like
 * `{"errors": [{"title", "detail"}]}`.
 */
function fromJson(text: string): string | null {
  const body = parsed(text);
  if (!isRecord(body)) return null;
  const inner = Object.values(body).find((value) => isRecord(value) && typeof value['message'] === 'string');
  const first: unknown = Array.isArray(body['errors']) ? body['errors'][0] : undefined;
  for (const candidate of [
    body['message'],
    isRecord(inner) ? inner['message'] : undefined,
    isRecord(first) ? (first['detail'] ?? first['title']) : undefined,
    body['title'],
  ]) {
    if (typeof candidate === 'string') return stripMarkup(hideSecrets(candidate).slice(0, longestPage));
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Proxies and Glance answer with HTML; its title usually repeats the heading, so the body's text is taken. */
function fromMarkup(text: string): string {
  const page = hideSecrets(text).slice(0, longestPage);
  if (!/<[a-z!]/i.test(page)) return isRecord(parsed(text)) ? '' : page;
  return stripMarkup(page.replace(/<(head|script|style)\b[\s\S]*?<\/\1>/gi, ' '));
}

function stripMarkup(text: string): string {
  return text
    .replace(/<\/?[a-z!][^>]*>/gi, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#x27;|&#39;/g, "'")
    .replace(/&amp;/g, '&');
}
