import type { ApiReply, ApiRequest } from './http.ts';

/** keystonemiddleware's answer to a token that is none, given before the service sees the request. */
export function tokenRefused(request: ApiRequest, authUrl: string): ApiReply {
  return {
    status: 401,
    headers: {
      'Content-Type': 'application/json',
      'Www-Authenticate': `Keystone uri="${authUrl}"`,
      'X-Openstack-Request-Id': request.requestId,
    },
    json: {
      error: {
        code: 401,
        title: 'Unauthorized',
        message: 'The request you have made requires authentication.',
      },
    },
  };
}
