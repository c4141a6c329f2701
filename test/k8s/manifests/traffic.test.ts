import { describe, expect, test } from '@jest/globals';
import { releaseId } from '../../../domain/endpoint/release.ts';
import { releaseName } from '../../../domain/names.ts';
import { endpointRoute, endpointService } from '../../../k8s/manifests/traffic.ts';
import { releaseOf, shareOf } from '../../builders/releases.ts';

describe('traffic', () => {
  const split = [shareOf('1', 75), shareOf('2', 25)];
  const entry = { namespace: 'serving', endpoint: 'summaries', id: 'a write' };

  test('of one release selects its pods; of several those of the endpoint', () => {
    expect(endpointService({ ...entry, shares: [shareOf('1', 100)] }).spec?.selector).toEqual({
      'tuneline.dev/endpoint': 'summaries',
      'tuneline.dev/release': releaseId(releaseOf('1')),
    });
    expect(endpointService({ ...entry, shares: split }).spec?.selector).toEqual({
      'tuneline.dev/endpoint': 'summaries',
    });
  });

  test('of none selects no pod', () => {
    expect(endpointService({ ...entry, shares: [] }).spec?.selector).toMatchObject({ 'tuneline.dev/release': 'none' });
  });

  test('is weighed by a route through the Gateway, under the host name of the endpoint', () => {
    const { metadata, spec } = endpointRoute(
      { ...entry, shares: split },
      { namespace: 'gateways', name: 'public', url: 'https://*.models.example.com' },
    );
    expect(spec).toMatchObject({
      parentRefs: [{ namespace: 'gateways', name: 'public' }],
      hostnames: ['summaries.models.example.com'],
      rules: [
        {
          backendRefs: [
            { name: releaseName(releaseOf('1')), port: 8000, weight: 75 },
            { name: releaseName(releaseOf('2')), port: 8000, weight: 25 },
          ],
        },
      ],
    });
    expect(JSON.parse(metadata.annotations?.['tuneline.dev/shares'] ?? '')).toEqual(split);
  });
});
