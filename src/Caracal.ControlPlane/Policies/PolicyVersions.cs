using System.Security.Cryptography;
using System.Text;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Policies;

namespace Caracal.ControlPlane.Policies;

/// <summary>Adds immutable versions, each numbered under its policy's lock.</summary>
internal static class PolicyVersions
{
    public static async Task<PolicyVersionRow> AddAsync(Work work, ApiCall call, string policyId, string content)
    {
        await work.LockAsync(policyId);
        var row = new PolicyVersionRow
        {
            Id = Ids.New(),
            PolicyId = policyId,
            Version = await PolicyStore.NextVersionAsync(work, policyId),
            Content = content,
            ContentSha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))),
            SchemaVersion = PolicyContent.SchemaVersion,
            CreatedBy = call.Caller.Actor,
            CreatedAt = call.Now,
        };
        await PolicyStore.InsertVersionAsync(work, row);
        return row;
    }
}
