namespace Caracal.Gateway.Tests.Support;

/// <summary>What was logged, readable while more is written.</summary>
internal sealed class LogText : StringWriter
{
    private readonly Lock _lock = new();

    public override void WriteLine(string? value)
    {
        lock (_lock)
        {
            base.WriteLine(value);
        }
    }

    public override string ToString()
    {
        lock (_lock)
        {
            return base.ToString();
        }
    }
}
