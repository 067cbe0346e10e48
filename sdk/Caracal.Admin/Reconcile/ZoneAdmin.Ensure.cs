using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Caracal.Admin;

/// <summary>Reconcilers: list, then create or change only what differs.</summary>
public sealed partial class ZoneAdmin
{
    private static readonly TimeSpan ActivationPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ActivationTime = TimeSpan.FromSeconds(30);

    /// <summary>The application's id; its secret is set each time, which is how it is rotated.</summary>
    /// <param name="name">Within the zone.</param>
    /// <param name="clientSecret">At least 32 characters, 10 of them distinct.</param>
    /// <param name="traits">Compared as a set.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">One of that name registered itself, or expires.</exception>
    public async Task<string> EnsureApplicationAsync(string name, string clientSecret, IReadOnlyList<string>? traits = null, CancellationToken cancellationToken = default)
    {
        var wanted = traits ?? [];
        var found = (await Applications.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).FirstOrDefault(application => application.Name == name);
        if (found is null)
        {
            found = await Applications.CreateAsync(new JsonObject { ["name"] = name, ["registration_method"] = "managed", ["traits"] = Array(wanted) }, cancellationToken).ConfigureAwait(false);
        }
        else if (found.RegistrationMethod != "managed" || found.ExpiresAt is not null)
        {
            throw new InvalidOperationException($"the application {name} is not one that an administrator manages");
        }
        else if (!Same(found.Traits, wanted))
        {
            await Applications.UpdateAsync(found.Id, new JsonObject { ["traits"] = Array(wanted) }, cancellationToken).ConfigureAwait(false);
        }

        await Applications.UpdateAsync(found.Id, new JsonObject { ["client_secret"] = clientSecret }, cancellationToken).ConfigureAwait(false);
        return found.Id;
    }

    /// <summary>The provider's id; null when there is none and no key was given.</summary>
    public Task<string?> EnsureApiKeyProviderAsync(
        string name, string identifier, IReadOnlyDictionary<string, string> config, string? apiKey, CancellationToken cancellationToken = default)
    {
        var full = Object(config);
        if (apiKey is not null) full["api_key"] = apiKey;
        return EnsureProviderAsync(name, identifier, "api_key", full, create: apiKey is not null, cancellationToken);
    }

    /// <summary>The provider's id; null when there is none and it cannot authenticate without a secret.</summary>
    public Task<string?> EnsureClientCredentialsProviderAsync(
        string name, string identifier, IReadOnlyDictionary<string, string> config, string? clientSecret = null, string? privateKey = null, CancellationToken cancellationToken = default)
    {
        var bearerGrant = config.GetValueOrDefault("grant_type") == "jwt_bearer";
        var method = config.GetValueOrDefault("client_auth_method") ?? (bearerGrant ? "none" : "client_secret_basic");
        var full = Object(config);
        full["client_auth_method"] = method;
        if (clientSecret is not null) full["client_secret"] = clientSecret;
        if (privateKey is not null) full["private_key"] = privateKey;
        var create = clientSecret is not null || privateKey is not null || (method == "none" && !bearerGrant);
        return EnsureProviderAsync(name, identifier, "oauth2_client_credentials", full, create, cancellationToken);
    }

    /// <summary>The id of a provider that has no credential: the upstream gets the mandate and verifies it itself.</summary>
    public async Task<string> EnsureMandateProviderAsync(string name, string identifier, CancellationToken cancellationToken = default) =>
        (await EnsureProviderAsync(name, identifier, "caracal_mandate", [], create: true, cancellationToken).ConfigureAwait(false))!;

    /// <summary>The resource's id.</summary>
    public async Task<string> EnsureResourceAsync(ResourceSpec spec, CancellationToken cancellationToken = default)
    {
        var found = (await Resources.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).FirstOrDefault(resource => resource.Identifier == spec.Identifier);
        if (found is null)
        {
            var body = Fields(spec, null);
            body["name"] = spec.Name;
            body["identifier"] = spec.Identifier;
            return (await Resources.CreateAsync(body, cancellationToken).ConfigureAwait(false)).Id;
        }

        var drift = Fields(spec, found);
        if (spec.Name != found.Name) drift["name"] = spec.Name;
        if (drift.Count > 0) await Resources.UpdateAsync(found.Id, drift, cancellationToken).ConfigureAwait(false);
        return found.Id;
    }

    /// <summary>Makes the text the active policy, and returns when the STS decides by it. False when it was already.</summary>
    public async Task<bool> EnsureActivePolicySetAsync(
        string policyName, string setName, string content, bool createWhenMissing = true, CancellationToken cancellationToken = default)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
        var policy = (await Policies.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).FirstOrDefault(known => known.Name == policyName);
        if (policy is null && !createWhenMissing) return false;
        var (version, changed) = await VersionAsync(policy, policyName, content, hash, cancellationToken).ConfigureAwait(false);
        var set = (await PolicySets.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).FirstOrDefault(known => known.Name == setName)
            ?? await PolicySets.CreateAsync(new JsonObject { ["name"] = setName }, cancellationToken).ConfigureAwait(false);
        if (!changed && set.ActiveVersionId is not null) return false;
        var manifest = new JsonArray(new JsonObject { ["policy_version_id"] = version });
        var made = await PolicySets.PostAsync(set.Id, "versions", new JsonObject { ["manifest"] = manifest }, cancellationToken).ConfigureAwait(false);
        await PolicySets.PostAsync(set.Id, "activate", new JsonObject { ["version_id"] = made.GetProperty("version_id").GetString() }, cancellationToken).ConfigureAwait(false);
        await WaitUntilLoadedAsync(set.Id, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>Makes these grants, and no others, the zone's policy. Nothing is made for no grants where there is no policy.</summary>
    public async Task<bool> EnsureGrantsAsync(
        IReadOnlyList<Grant> grants, string policyName = "application-grants", string setName = "application-grant-policy", CancellationToken cancellationToken = default) =>
        await EnsureActivePolicySetAsync(policyName, setName, GrantsDocument.Write(grants), createWhenMissing: grants.Count > 0, cancellationToken).ConfigureAwait(false);

    /// <summary>Providers, resources bound to them, and one grants document for all.</summary>
    public async Task EnsureGovernedUpstreamsAsync(IReadOnlyList<GovernedUpstream> upstreams, CancellationToken cancellationToken = default)
    {
        var providers = new List<string>();
        foreach (var upstream in upstreams)
        {
            var id = await EnsureApiKeyProviderAsync(
                upstream.Resource.Name, Identifiers.Provider(upstream.Resource.Name), upstream.ProviderConfig, upstream.ApiKey, cancellationToken).ConfigureAwait(false);
            providers.Add(id ?? throw new InvalidOperationException($"{upstream.Resource.Name} has no provider"));
        }

        foreach (var (upstream, provider) in upstreams.Zip(providers)) await EnsureResourceAsync(upstream.Resource with { CredentialProviderId = provider }, cancellationToken).ConfigureAwait(false);
        await EnsureGrantsAsync([.. upstreams.SelectMany(upstream => upstream.Grants)], cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private async Task<(string VersionId, bool Changed)> VersionAsync(Policy? policy, string name, string content, string hash, CancellationToken cancellationToken)
    {
        if (policy is null)
        {
            var created = await Policies.CreateAsync(new JsonObject { ["name"] = name, ["content"] = content }, cancellationToken).ConfigureAwait(false);
            return (created.VersionId!, true);
        }

        var versions = (await Policies.GetAsync(policy.Id, cancellationToken).ConfigureAwait(false)).Versions ?? [];
        if (versions.MaxBy(version => version.Version) is { } newest && newest.ContentSha256 == hash) return (newest.Id, false);
        var added = await Policies.PostAsync(policy.Id, "versions", new JsonObject { ["content"] = content }, cancellationToken).ConfigureAwait(false);
        return (added.GetProperty("version_id").GetString()!, true);
    }

    private async Task WaitUntilLoadedAsync(string set, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ActivationTime);
        while ((await PolicySets.GetAsync(set, "activation-status", limit.Token).ConfigureAwait(false)).GetProperty("propagation_status").GetString() != "loaded")
        {
            await Task.Delay(ActivationPoll, limit.Token).ConfigureAwait(false);
        }
    }

    private async Task<string?> EnsureProviderAsync(string name, string identifier, string kind, JsonObject config, bool create, CancellationToken cancellationToken)
    {
        var found = (await Providers.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false)).FirstOrDefault(provider => provider.Identifier == identifier);
        if (found is null)
        {
            if (!create) return null;
            var body = new JsonObject { ["name"] = name, ["identifier"] = identifier, ["kind"] = kind, ["config_json"] = config };
            return (await Providers.CreateAsync(body, cancellationToken).ConfigureAwait(false)).Id;
        }

        var change = new JsonObject { ["config_json"] = config };
        if (create) change["kind"] = kind;
        await Providers.UpdateAsync(found.Id, change, cancellationToken).ConfigureAwait(false);
        return found.Id;
    }

    private static JsonObject Fields(ResourceSpec spec, Resource? found)
    {
        var body = new JsonObject();
        if (spec.UpstreamUrl is not null && spec.UpstreamUrl != found?.UpstreamUrl) body["upstream_url"] = spec.UpstreamUrl;
        if (spec.Scopes is not null && !(found is not null && Same(found.Scopes, spec.Scopes))) body["scopes"] = Array(spec.Scopes);
        if (spec.CredentialProviderId is not null && spec.CredentialProviderId != found?.CredentialProviderId) body["credential_provider_id"] = spec.CredentialProviderId;
        if (spec.OperationEnforcement is not null && spec.OperationEnforcement != found?.OperationEnforcement) body["operation_enforcement"] = spec.OperationEnforcement;
        if (spec.Operations is not null && !(found is not null && Same(Texts(found.Operations ?? []), Texts(spec.Operations))))
        {
            body["operations"] = new JsonArray([.. spec.Operations.Select(operation => new JsonObject { ["method"] = operation.Method, ["path"] = operation.Path, ["scope"] = operation.Scope })]);
        }

        return body;
    }

    private static List<string> Texts(IReadOnlyList<Operation> operations) =>
        [.. operations.Select(operation => $"{operation.Method.ToUpperInvariant()} {operation.Path} {operation.Scope}")];

    private static bool Same(IReadOnlyList<string>? left, IReadOnlyList<string> right) =>
        (left ?? []).Order(StringComparer.Ordinal).SequenceEqual(right.Order(StringComparer.Ordinal), StringComparer.Ordinal);

    private static JsonArray Array(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    private static JsonObject Object(IReadOnlyDictionary<string, string> texts)
    {
        var body = new JsonObject();
        foreach (var (name, value) in texts) body[name] = value;
        return body;
    }
}
