namespace Caracal.Storage.Instances;

/// <summary>Consoles have no store, so the API speaks for them, and for nobody else; the function behind <see cref="HeartbeatStore"/> holds it to that.</summary>
public static class ConsoleHeartbeatStore
{
    public const string Service = "console";

    /// <summary>The console lives.</summary>
    public static Task BeatAsync(Work work, Heartbeat beat, DateTimeOffset now) => HeartbeatStore.BeatAsync(work, beat with { Service = Service }, now);

    /// <summary>The console has stopped and is waited for no more.</summary>
    public static Task EndAsync(Work work, string instance, DateTimeOffset now) => HeartbeatStore.EndAsync(work, Service, instance, now);
}
