using System.Globalization;
using System.Text.Json;

namespace Caracal.Sdk.Configuration;

/// <summary>
/// Reads <c>caracal.toml</c> when <c>CARACAL_CONFIG</c> names it, else the environment (sdk.md 2), and remembers where each
/// value came from. Never looks into home directories.
/// </summary>
internal sealed class ConfigurationReader
{
    private readonly IReadOnlyDictionary<string, string?> _variables;
    private readonly List<ConfiguredValue> _values = [];
    private readonly List<string> _faults = [];
    private readonly Dictionary<string, (ResourceBinding Binding, string Source)> _resources = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];
    private readonly TomlTable? _profile;
    private readonly string? _path;

    private ConfigurationReader(IReadOnlyDictionary<string, string?> variables, string? path)
    {
        _variables = variables;
        _path = path;
        if (path is null) return;
        if (!File.Exists(path)) throw new CaracalConfigurationException($"CARACAL_CONFIG names a file that is not there: {path}");
        OwnerOnly.RequireUnwritable(path);
        _profile = TomlReader.Parse(File.ReadAllText(path), path);
        if (_profile.Text("app_client_secret") is not null) OwnerOnly.RequireUnshared(path);
    }

    /// <summary>Every setting with its source, in the order of the documentation.</summary>
    public IReadOnlyList<ConfiguredValue> Values => _values;

    public CaracalOptions Options { get; private set; } = null!;

    /// <param name="variables">The environment.</param>
    /// <param name="path">The profile; null reads the environment alone.</param>
    public static ConfigurationReader Read(IReadOnlyDictionary<string, string?> variables, string? path)
    {
        var reader = new ConfigurationReader(variables, path);
        reader.Options = reader.Build();
        return reader._faults.Count == 0 ? reader : throw new CaracalConfigurationException(string.Join("; ", reader._faults));
    }

    private CaracalOptions Build()
    {
        // An identity belongs together: it comes from the profile whole, or from the environment whole.
        var zone = Identity("zone_id", "CARACAL_ZONE_ID");
        var application = Identity("application_id", "CARACAL_APPLICATION_ID");
        var (secret, resolver, bootstrap) = Credentials(zone, application);
        var production = Variable("CARACAL_ENV") == "production";
        var options = new CaracalOptions
        {
            ZoneId = zone,
            ApplicationId = application,
            ClientSecret = secret,
            Resolver = resolver,
            BootstrapToken = bootstrap,
            StsUrl = Url("sts_url", ["CARACAL_STS_URL", "CARACAL_ZONE_URL"], "http://localhost:8080", production),
            CoordinatorUrl = Url("coordinator_url", ["CARACAL_COORDINATOR_URL"], "http://localhost:4000", production),
            GatewayUrl = Url("gateway_url", ["CARACAL_GATEWAY_URL"], "http://localhost:8081", production),
            DefaultTtlSeconds = Ttl(),
            Production = production,
            AllowInsecureUrls = Variable("CARACAL_ALLOW_INSECURE_CONFIG_URLS") == "true",
            Resources = Resources(),
        };
        return options;
    }

    private string? Identity(string key, string variable)
    {
        var value = _profile is null ? Variable(variable) : _profile.Text(key);
        if (value is null) _faults.Add(_profile is null ? $"{variable} is required" : $"{_path}: {key} is required");
        else Note(key, value, _profile is null ? variable : $"{_path}: {key}");
        return value;
    }

    private (string? Secret, Func<CancellationToken, ValueTask<CaracalCredentials?>>? Resolver, string? Bootstrap) Credentials(string? zone, string? application)
    {
        var inline = _profile is null ? Variable("CARACAL_APP_CLIENT_SECRET") : _profile.Text("app_client_secret");
        var file = _profile is null ? Variable("CARACAL_APP_CLIENT_SECRET_FILE") : _profile.Text("app_client_secret_file");
        var bootstrap = _profile is null ? Variable("CARACAL_BOOTSTRAP_TOKEN") : null;
        var given = new[] { inline, file, bootstrap }.Count(value => value is not null);
        if (given != 1)
        {
            _faults.Add((given == 0 ? "no credentials: " : "more than one of ") + (_profile is null
                ? "CARACAL_APP_CLIENT_SECRET, CARACAL_APP_CLIENT_SECRET_FILE, CARACAL_BOOTSTRAP_TOKEN"
                : $"app_client_secret, app_client_secret_file in {_path}"));
            return default;
        }

        if (file is null)
        {
            Note(inline is null ? "bootstrap_token" : "app_client_secret", "***", _profile is not null ? $"{_path}: app_client_secret" : inline is null ? "CARACAL_BOOTSTRAP_TOKEN" : "CARACAL_APP_CLIENT_SECRET");
            return (inline, null, bootstrap);
        }

        Note("app_client_secret_file", file, _profile is null ? "CARACAL_APP_CLIENT_SECRET_FILE" : $"{_path}: app_client_secret_file");
        if (zone is null || application is null) return default;
        var watched = new SecretFileCredentials(zone, application, file, TimeProvider.System);
        return (null, watched.ResolveAsync, null);
    }

    private string Url(string key, string[] variables, string local, bool production)
    {
        foreach (var name in variables)
        {
            if (Variable(name) is not { } set) continue;
            Note(key, set, name);
            return set.TrimEnd('/');
        }

        if ((_profile?.Text(key) ?? (key == "sts_url" ? _profile?.Text("zone_url") : null)) is { } written)
        {
            Note(key, written, $"{_path}: {key}");
            return written.TrimEnd('/');
        }

        if (production) _faults.Add($"{variables[0]} is required in production");
        Note(key, local, "default");
        return local;
    }

    private int? Ttl()
    {
        object? value = Variable("CARACAL_DEFAULT_TTL_SECONDS");
        var source = value is null ? $"{_path}: default_ttl_seconds" : "CARACAL_DEFAULT_TTL_SECONDS";
        value ??= _profile?.Values.GetValueOrDefault("default_ttl_seconds");
        if (value is null) return null;
        if (!int.TryParse(Convert.ToString(value, CultureInfo.InvariantCulture), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds == 0)
        {
            _faults.Add("default_ttl_seconds must be a positive whole number");
            return null;
        }

        Note("default_ttl_seconds", seconds.ToString(CultureInfo.InvariantCulture), source);
        return seconds;
    }

    private List<ResourceBinding> Resources()
    {
        foreach (var table in (_profile?.List("credentials") ?? []).Concat(_profile?.List("optional_credentials") ?? []))
        {
            if (table.Text("resource") is not { } id) _faults.Add($"{_path}: a credential without resource");
            else if (!_resources.ContainsKey(id)) Bind(new ResourceBinding(id, table.Text("upstream_prefix"), Scopes(table)), _path!);
        }

        if (Variable("CARACAL_RESOURCES_FILE") is { } file) ReadFile(file);
        foreach (var entry in Split("CARACAL_RESOURCES"))
        {
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !OptionRules.IsAbsolute(entry[(equals + 1)..])) _faults.Add($"CARACAL_RESOURCES: '{entry}' is not resource=absolute URL");
            else Bind(new ResourceBinding(entry[..equals].Trim(), entry[(equals + 1)..].Trim()), "CARACAL_RESOURCES");
        }

        foreach (var id in Split("CARACAL_APP_RESOURCES"))
        {
            if (!_resources.ContainsKey(id)) Bind(new ResourceBinding(id), "CARACAL_APP_RESOURCES");
        }

        foreach (var id in _order)
        {
            var (binding, source) = _resources[id];
            Note($"resource {id}", binding.UpstreamPrefix ?? "-", source);
        }

        return [.. _order.Select(id => _resources[id].Binding)];
    }

    private void ReadFile(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(file));
            var entries = document.RootElement.ValueKind == JsonValueKind.Array
                ? document.RootElement.EnumerateArray().Select(item => (Id: item.GetProperty("resource_id").GetString(), Prefix: item.GetProperty("upstream_prefix").GetString()))
                : document.RootElement.EnumerateObject().Select(member => (Id: (string?)member.Name, Prefix: member.Value.GetString()));
            foreach (var (id, prefix) in entries)
            {
                if (string.IsNullOrEmpty(id) || prefix is null || !OptionRules.IsAbsolute(prefix)) _faults.Add($"CARACAL_RESOURCES_FILE: '{id}' has no absolute upstream_prefix");
                else Bind(new ResourceBinding(id, prefix), $"CARACAL_RESOURCES_FILE ({file})");
            }
        }
        catch (Exception fault) when (fault is IOException or JsonException or UnauthorizedAccessException or InvalidOperationException or KeyNotFoundException)
        {
            _faults.Add($"CARACAL_RESOURCES_FILE cannot be read: {file}");
        }
    }

    private static List<string>? Scopes(TomlTable table) =>
        table.Values.GetValueOrDefault("scopes") is List<object> list ? [.. list.OfType<string>()] : null;

    private void Bind(ResourceBinding binding, string source)
    {
        if (!_resources.ContainsKey(binding.ResourceId)) _order.Add(binding.ResourceId);
        _resources[binding.ResourceId] = (binding with { Scopes = binding.Scopes ?? _resources.GetValueOrDefault(binding.ResourceId).Binding?.Scopes }, source);
    }

    private string[] Split(string name) => (Variable(name) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private void Note(string name, string value, string source) => _values.Add(new ConfiguredValue(name, value, source));

    private string? Variable(string name) => _variables.TryGetValue(name, out var value) && value?.Trim() is { Length: > 0 } text ? text : null;
}
