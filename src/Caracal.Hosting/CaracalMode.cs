namespace Caracal.Hosting;

/// <summary>How strict a deployment is (operations.md 2.4). <c>rc</c> and <c>stable</c> enforce the same rules.</summary>
public enum CaracalMode
{
    /// <summary>Production; also what an unset <c>CARACAL_MODE</c> means.</summary>
    Stable,

    /// <summary>As stable, under another name.</summary>
    Rc,

    /// <summary>The only relaxed mode.</summary>
    Dev,
}
