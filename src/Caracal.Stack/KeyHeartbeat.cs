using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Caracal.Hosting;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Stack.Instances;
using Caracal.Storage.Instances;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>Says, every ten seconds and after each change, that a role lives and which keys it holds (operations.md 4.2, 4.4).</summary>
internal sealed class KeyHeartbeat
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly IInstanceRegister _register;
    private readonly TimeProvider _time;
    private readonly SecretReload _secrets;
    private readonly string _version;
    private readonly DateTimeOffset _started;
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private volatile string? _address;
    private volatile bool _known;
    private volatile bool _ended;
    private volatile Task<bool> _beat = Task.FromResult(false);

    public KeyHeartbeat(IInstanceRegister register, TimeProvider time, SecretReload secrets, CaracalMode mode, string version)
    {
        _register = register;
        _time = time;
        _secrets = secrets;
        Mode = mode;
        _version = version;
        _started = time.GetUtcNow();
        secrets.Changed = () => _changes.Writer.TryWrite(true);
    }

    public string Role => _secrets.Role;

    public CaracalMode Mode { get; }

    /// <summary>What the role holds now.</summary>
    public IReadOnlyList<HeldRing> Held => _secrets.Held;

    /// <summary>Refuses to start with a current key that the registry does not know, or knows as finished; in dev it warns.</summary>
    /// <exception cref="SettingsException">In rc and stable.</exception>
    public async Task GuardAsync(ILogger logger, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        if (await _register.StatesAsync(Report(), _secrets.Held, cancellationToken) is not { } states) return;
        foreach (var ring in _secrets.Held)
        {
            var state = states.GetValueOrDefault(ring.ClassId);
            if (state is "active" or "next" or "previous") continue;
            var known = state is null ? "" : $" is {state}";
            faults.Add($"key_not_registered: {ring.ClassId} {ring.Slots.Current}{known}; use caracal keys prepare, or keys adopt after disaster recovery");
            StackLog.KeyNotRegistered(logger, Mode.IsPublished() ? LogLevel.Error : LogLevel.Warning, Role, ring.ClassId, ring.Slots.Current, known);
        }

        if (Mode.IsPublished() && faults.Count > 0) throw new SettingsException(Role, faults);
    }

    /// <summary>The role listens now; from here on <see cref="RunAsync"/> tells of it.</summary>
    public void Listening(string address) => _address = address;

    /// <summary>Beats until cancelled. A register that does not answer is told of by the role itself; the next beat comes in its time.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested && !_ended)
        {
            // Whoever waits for this instance sees that it has not reported.
            _beat = _register.BeatAsync(Report(), cancellationToken);
            if (await _beat) _known = true;
            using var limit = new CancellationTokenSource(Interval, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                await _changes.Reader.ReadAsync(either.Token);
            }
            catch (OperationCanceledException)
            {
                // Its time has come, or the end.
            }
        }
    }

    /// <summary>Says farewell, so that nobody waits for this instance; what cannot be said is found out when it is forgotten.</summary>
    public async Task EndAsync()
    {
        if (_ended) return;
        _ended = true;

        // A beat that is under way must not come after the farewell.
        await ((Task)_beat).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_known) return;

        // What came since the last beat must be known, too: a gate may depend on it.
        await _register.BeatAsync(Report(), CancellationToken.None);
        await _register.EndAsync(Report());
    }

    private Heartbeat Report() => new()
    {
        Service = Role,
        Instance = ServiceInstance.Id,
        Version = _version,
        Mode = Mode.ToText(),
        Address = _address,
        StartedAt = _started,
        KeySlots = Slots(),
    };

    private string Slots()
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) HeldRing.Write(writer, _secrets.Held);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
