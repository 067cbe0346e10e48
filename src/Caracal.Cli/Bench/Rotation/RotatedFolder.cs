using System.Security.Cryptography;
using System.Text;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>The folder of a stack that holds a value of every class, also of those that are optional; removed at the end unless it was named.</summary>
internal sealed class RotatedFolder : IDisposable
{
    private readonly bool keep;

    public RotatedFolder(string? named)
    {
        keep = named is not null;
        Path = named is null ? Directory.CreateTempSubdirectory("caracal-rotate-").FullName : System.IO.Path.GetFullPath(named);
        SecretFolder.Prepare(Path);
        var secrets = System.IO.Path.Combine(Path, "secrets");
        SecretFolder.Provision(secrets);
        foreach (var file in RotatableClass.All.Select(known => System.IO.Path.Combine(secrets, known.FileName)).Where(file => !File.Exists(file)))
        {
            SecretFolder.WriteOwnerOnly(file, Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))));
        }
    }

    public string Path { get; }

    public void Dispose()
    {
        if (!keep) Directory.Delete(Path, recursive: true);
    }
}
